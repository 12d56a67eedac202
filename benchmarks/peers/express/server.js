// The receiver and the API server as one would write them with Express and ioredis, for the benchmarks. One process, no logging.
// usage: PORT=3000 REDIS_PORT=6379 node server.js
const express = require('express');
const Redis = require('ioredis');

const redis = new Redis({ port: Number(process.env.REDIS_PORT), enableAutoPipelining: true });
const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json({ limit: '4kb' }));

const isId = (value) => Number.isSafeInteger(value) && value >= 1;

function errorsOf(checkin) {
  if (checkin === null || typeof checkin !== 'object' || Array.isArray(checkin)) {
    return [{ pointer: '', message: 'must be an object' }];
  }
  const errors = [];
  for (const name of Object.keys(checkin)) {
    if (name !== 'userId' && name !== 'locationId' && name !== 'starRating') {
      errors.push({ pointer: `/${name}`, message: 'is not known' });
    }
  }
  if (!isId(checkin.userId)) errors.push({ pointer: '/userId', message: 'must be 1 or more' });
  if (!isId(checkin.locationId)) errors.push({ pointer: '/locationId', message: 'must be 1 or more' });
  if (!Number.isInteger(checkin.starRating) || checkin.starRating < 0 || checkin.starRating > 5) {
    errors.push({ pointer: '/starRating', message: 'must be from 0 to 5' });
  }
  return errors;
}

app.post('/checkins', async (request, response) => {
  const errors = errorsOf(request.body);
  if (errors.length > 0) {
    response.status(400).json({ type: 'invalid-request', errors });
    return;
  }
  const { userId, locationId, starRating } = request.body;
  const id = await redis.xadd('ncc:checkins', '*', 'userId', userId, 'locationId', locationId, 'starRating', starRating);
  response.status(202).json({ id });
});

const USER_FIELDS = ['id', 'firstName', 'lastName', 'email', 'numCheckins', 'lastCheckin', 'lastCheckinId', 'lastSeenAt'];
const NUMBERS = new Set(['id', 'numCheckins', 'lastCheckin', 'lastSeenAt']);

app.get('/users/:id', async (request, response) => {
  if (!/^[1-9][0-9]{0,18}$/.test(request.params.id)) {
    response.status(400).json({ type: 'invalid-request' });
    return;
  }
  const values = await redis.hmget(`ncc:users:${request.params.id}`, ...USER_FIELDS);
  if (values.every((value) => value === null)) {
    response.status(404).json({ type: 'not-found' });
    return;
  }
  const user = {};
  USER_FIELDS.forEach((name, i) => {
    user[name] = values[i] === null || !NUMBERS.has(name) ? values[i] : Number(values[i]);
  });
  response.json(user);
});

function checkinOf([id, values]) {
  const fields = {};
  for (let i = 0; i < values.length; i += 2) fields[values[i]] = Number(values[i + 1]);
  return { id, timestamp: Number(id.split('-')[0]), ...fields };
}

app.get('/checkins/latest', async (request, response) => {
  const entries = await redis.xrevrange('ncc:checkins', '+', '-', 'COUNT', 1);
  if (entries.length === 0) {
    response.status(404).json({ type: 'not-found' });
    return;
  }
  response.json(checkinOf(entries[0]));
});

app.get('/checkins', async (request, response) => {
  const limit = Number(request.query.limit ?? 100);
  const entries = await redis.xrange('ncc:checkins', '-', '+', 'COUNT', limit);
  response.json({ items: entries.map(checkinOf) });
});

// one reader feeds all followers, and runs only while there are any
const followers = new Set();
let following = false;

app.get('/checkins/stream', (request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.flushHeaders();
  followers.add(response);
  if (!following) follow();
  response.on('close', () => followers.delete(response));
});

async function follow() {
  following = true;
  const reader = redis.duplicate();
  for (let last = '$'; followers.size > 0; ) {
    const read = await reader.xread('COUNT', 1000, 'BLOCK', 1000, 'STREAMS', 'ncc:checkins', last);
    if (read === null) continue;
    const entries = read[0][1];
    const events = entries.map((entry) => `id:${entry[0]}\ndata:${JSON.stringify(checkinOf(entry))}\n\n`).join('');
    for (const follower of followers) follower.write(events);
    last = entries[entries.length - 1][0];
  }
  reader.disconnect();
  following = false;
}

app.get('/', (request, response) => response.end());
app.listen(Number(process.env.PORT), '127.0.0.1');
