/** An Express server whose sessions connect-redis keeps, and a browser's part of it: requests with a cookie. */

import { once } from "node:events";
import { loadOperations } from "./load.js";

/** Starts the server with the packages given, on a free port of 127.0.0.1. */
async function openSessions(
  { express, session, RedisStore, createClient },
  addresses,
) {
  const { host, port } = addresses[0];
  const client = createClient({ url: `redis://${host}:${port}` });
  client.on("error", () => {});
  await client.connect();
  const store = new RedisStore({ client, prefix: "session:", ttl: 600 });
  const server = routes(
    express(),
    session({
      store,
      secret: "matrix",
      resave: false,
      saveUninitialized: false,
    }),
  )
    .listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${server.address().port}`;
  return {
    operations: {
      ...requests(address, client),
      ...storeOperations(store),
      ...load(address),
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await client.quit();
    },
  };
}

function routes(app, sessions) {
  app.use(sessions);
  app.post("/visits", (request, response, next) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    request.session.text = request.query.text ?? request.session.text;
    // The answer waits until the session is stored: only then is it a promise.
    request.session.save((error) => error ? next(error) : response.json(view(request.session)));
  });
  app.get(
    "/visits",
    (request, response) => response.json(view(request.session)),
  );
  app.delete("/visits", (request, response, next) => {
    request.session.destroy((error) => error ? next(error) : response.json({ visits: 0 }));
  });
  // Express knows a handler of errors by its four parameters.
  app.use((error, _request, response, _next) => response.status(500).send(error.message));
  return app;
}

function view(session) {
  return { visits: session.visits ?? 0, text: session.text ?? null };
}

/** Visits by name: each name has a browser of its own, which keeps its cookie. */
function requests(address, client) {
  const cookies = new Map();
  async function request(method, name, text) {
    const { cookie, visits, text: kept } = await send(address, { method, cookie: cookies.get(name), text });
    if (cookie !== undefined) cookies.set(name, cookie);
    return [visits, kept ?? null];
  }
  return {
    visitAs: (name, text) => request("POST", name, text ?? undefined),
    lookAs: (name) => request("GET", name),
    leaveAs: (name) => request("DELETE", name),
    // The cookie is s:<session id>.<signature>.
    ttlAs: (name) => client.ttl(`session:${decodeURIComponent(cookies.get(name)).split("s:")[1].split(".")[0]}`),
  };
}

async function send(address, { method, cookie, text }) {
  const query = text === undefined ? "" : `?text=${encodeURIComponent(text)}`;
  const headers = cookie === undefined ? {} : { cookie };
  const response = await fetch(`${address}/visits${query}`, {
    method,
    headers,
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`Status ${response.status}: ${body}`);
  return {
    ...JSON.parse(body),
    cookie: response.headers.get("set-cookie")?.split(";")[0] ?? cookie,
  };
}

function storeOperations(store) {
  return {
    length: () => store.length(),
    all: async () => (await store.all()).length,
    clear: () => store.clear(),
  };
}

function load(address) {
  const cookies = new Map();
  return loadOperations({
    async write(n) {
      const { cookie } = await send(address, {
        method: "POST",
        text: `visitor ${n}`,
      });
      cookies.set(n, cookie);
    },
    async read(n) {
      const { visits, text } = await send(address, {
        method: "GET",
        cookie: cookies.get(n),
      });
      return visits === 1 && text === `visitor ${n}`;
    },
  });
}

export { openSessions };
