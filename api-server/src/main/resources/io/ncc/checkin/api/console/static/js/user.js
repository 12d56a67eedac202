// One user: the totals, and their checkins as they come.
import {count, dateAndTime, UNKNOWN} from './format.js';
import {following} from './following.js';
import {fullName, locationLink} from './parts.js';

export function user(root, id, signal) {
  following(root, signal, {
    id,
    title: `User ${id}`,
    path: `users/${id}`,
    filter: `userId=${id}`,
    key: `users:${id}`,
    name: fullName,
    facts: (found) => [
      ['Checkins', count(found.numCheckins)],
      ['Last checkin', dateAndTime(found.lastCheckin)],
      ['Last seen at', found.lastSeenAt === null ? UNKNOWN : locationLink(found.lastSeenAt)],
    ],
    more: () => [],
  });
  return `User ${id}`;
}
