// The places with their names, for the map and wherever a location is named.
import {getJson} from './http.js';

/** After so many ms they are asked for again. If nothing has changed, the answer is empty. */
const FRESH = 30000;

let loading = null;
let askedAt = 0;
let names = new Map();

/** @returns a promise of {ids, lon, lat, names, checkins}: columns of the same length */
export function places() {
  if (loading && Date.now() - askedAt < FRESH) {
    return loading;
  }
  askedAt = Date.now();
  loading = getJson('console/places').then((columns) => {
    names = new Map(columns.ids.map((id, i) => [String(id), columns.names[i]]));
    return columns;
  }).catch((problem) => {
    loading = null;
    throw problem;
  });
  return loading;
}

/** The name of a location, if it is known by now; else null. */
export function nameOf(locationId) {
  return names.get(String(locationId)) ?? null;
}
