// The receiver and the API server as one would write them with Fastify and ioredis, for the benchmarks: compiled schemas, no logging.
// usage: PORT=3000 REDIS_PORT=6379 [WORKERS=2] node server.js
const cluster = require('node:cluster');
const fastify = require('fastify');
const Redis = require('ioredis');

const workers = Number(process.env.WORKERS ?? 1);

// Schemas as strict as the checks of the receiver: a string is no number, and an unknown field is an error.
const app = fastify({
  bodyLimit: 4096,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } },
});

app.setErrorHandler((error, request, reply) => {
  if (error.validation) {
    const errors = error.validation.map(({ instancePath, message }) => ({ pointer: instancePath, message }));
    reply.code(400).send({ type: 'invalid-request', errors });
  } else {
    reply.code(error.statusCode ?? 500).send({ type: error.code ?? 'internal-error' });
  }
});

const ID = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const PROBLEM = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { pointer: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

const checkinSchema = {
  body: {
    type: 'object',
    properties: { userId: ID, locationId: ID, starRating: { type: 'integer', minimum: 0, maximum: 5 } },
    required: ['userId', 'locationId', 'starRating'],
    additionalProperties: false,
  },
  response: {
    202: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    '4xx': PROBLEM,
  },
};

const USER = {
  id: { type: 'integer', nullable: true },
  firstName: { type: 'string', nullable: true },
  lastName: { type: 'string', nullable: true },
  email: { type: 'string', nullable: true },
  numCheckins: { type: 'integer', nullable: true },
  lastCheckin: { type: 'integer', nullable: true },
  lastCheckinId: { type: 'string', nullable: true },
  lastSeenAt: { type: 'integer', nullable: true },
};
const USER_FIELDS = Object.keys(USER);
const userSchema = {
  params: { type: 'object', properties: { id: { type: 'string', pattern: '^[1-9][0-9]{0,18}$' } } },
  response: { 200: { type: 'object', properties: USER }, '4xx': PROBLEM },
};

function serve() {
  const redis = new Redis({ port: Number(process.env.REDIS_PORT), enableAutoPipelining: true });

  app.post('/checkins', { schema: checkinSchema }, async (request, reply) => {
    const { userId, locationId, starRating } = request.body;
    const id = await redis.xadd('ncc:checkins', '*', 'userId', userId, 'locationId', locationId, 'starRating', starRating);
    reply.code(202);
    return { id };
  });

  app.get('/users/:id', { schema: userSchema }, async (request, reply) => {
    const values = await redis.hmget(`ncc:users:${request.params.id}`, ...USER_FIELDS);
    if (values.every((value) => value === null)) {
      reply.code(404);
      return { type: 'not-found' };
    }
    const user = {};
    USER_FIELDS.forEach((name, i) => {
      user[name] = values[i] === null || USER[name].type === 'string' ? values[i] : Number(values[i]);
    });
    return user;
  });

  // ready once all workers are
  let ready = workers === 1;
  process.on('message', () => (ready = true));
  app.get('/', (request, reply) => reply.code(ready ? 200 : 503).send());

  app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
}

if (workers > 1 && cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', () => {
    if (++listening === workers) Object.values(cluster.workers).forEach((worker) => worker.send('ready'));
  });
  cluster.on('exit', () => process.exit(1)); // fewer workers would be another contestant
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  serve();
}
