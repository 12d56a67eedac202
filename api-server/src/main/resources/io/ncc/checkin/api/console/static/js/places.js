// The places with their names, for the map and wherever a location is named. They are asked for once.
import {getJson} from './http.js';

let loading = null;
let names = new Map();

/** @returns a promise of {ids, lon, lat, names, checkins}: columns of the same length */
export function places() {
  loading ??= getJson('console/places').then((columns) => {
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
