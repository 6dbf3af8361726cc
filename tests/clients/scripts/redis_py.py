"""The driver of Debian's python3-redis: redis_py.py <host:port>, as node/driver.js is for Node.

Takes operations as JSON lines on standard input and answers each with a JSON line. A byte string is a JSON string with
one character 0x00-0xFF for each byte.
"""

import json
import sys
import threading
import time

import redis


def to_bytes(text):
    return text.encode("latin1") if isinstance(text, str) else text


def to_json(reply):
    if isinstance(reply, bytes):
        return reply.decode("latin1")
    if isinstance(reply, Exception):
        # The library takes the first word of the text for the kind of the error.
        text = str(reply)
        return {"error": text if text.startswith("ERR ") else f"ERR {text}"}
    if isinstance(reply, (list, tuple)):
        return [to_json(one) for one in reply]
    return reply


def ok(reply):
    """True stands for OK and False or None for no change."""
    return "OK" if reply is True else None


class Load:
    """Writes and counts in a thread until it is told to stop."""

    def __init__(self, client):
        self.client = client
        self.acknowledged = []
        self.counts = []
        self.errors = {}
        self.running = False
        self.thread = None

    def run(self):
        n = 0
        while self.running:
            n += 1
            done = self.attempt(lambda: self.write(n))
            counted = self.attempt(lambda: self.counts.append(self.client.incr("{load}:counter")))
            time.sleep(0.005 if done and counted else 0.03)

    def attempt(self, work):
        try:
            work()
            return True
        except Exception as error:
            self.errors[str(error)] = self.errors.get(str(error), 0) + 1
            return False

    def write(self, n):
        if self.client.set(f"{{load}}:{n}", f"value of {n}") is True:
            self.acknowledged.append(n)

    def start(self):
        self.running = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def progress(self):
        return {"acknowledged": min(len(self.acknowledged), len(self.counts)), "errors": dict(self.errors)}

    def stop(self):
        self.running = False
        self.thread.join()
        records = [[f"{{load}}:{n}", f"value of {n}"] for n in self.acknowledged]
        return {
            "records": records,
            "counts": self.counts,
            "acknowledged": len(records),
            "errors": self.errors,
        }

    def missing(self):
        return [n for n in self.acknowledged if self.client.get(f"{{load}}:{n}") != f"value of {n}".encode()]


class Operations:
    """The operations that the shared steps name."""

    def __init__(self, client, other):
        self.client = client
        self.other = other

    def ready(self):
        return self.client.ping()

    def ping(self):
        return "PONG" if self.client.ping() else None

    def set(self, key, value):
        return ok(self.client.set(to_bytes(key), to_bytes(value)))

    def setEx(self, key, value, seconds):
        return ok(self.client.set(to_bytes(key), to_bytes(value), ex=seconds))

    def setNx(self, key, value):
        return ok(self.client.set(to_bytes(key), to_bytes(value), nx=True))

    def get(self, key):
        return self.client.get(to_bytes(key))

    def untilGone(self, key):
        deadline = time.monotonic() + 1
        while True:
            value = self.get(key)
            if value is None or time.monotonic() > deadline:
                return value

    def getDel(self, key):
        return self.client.getdel(to_bytes(key))

    def append(self, key, value):
        return self.client.append(to_bytes(key), to_bytes(value))

    def strlen(self, key):
        return self.client.strlen(to_bytes(key))

    def getRange(self, key, start, end):
        return self.client.getrange(to_bytes(key), start, end)

    def incr(self, key):
        return self.client.incr(to_bytes(key))

    def incrBy(self, key, amount):
        return self.client.incrby(to_bytes(key), amount)

    def decr(self, key):
        return self.client.decr(to_bytes(key))

    def expire(self, key, seconds):
        return int(self.client.expire(to_bytes(key), seconds))

    def ttl(self, key):
        return self.client.ttl(to_bytes(key))

    def pttl(self, key):
        return self.client.pttl(to_bytes(key))

    def persist(self, key):
        return int(self.client.persist(to_bytes(key)))

    def type(self, key):
        return self.client.type(to_bytes(key))

    def rename(self, old, new):
        return ok(self.client.rename(to_bytes(old), to_bytes(new)))

    def mset(self, pairs):
        return ok(self.client.mset({to_bytes(key): to_bytes(value) for key, value in pairs}))

    def mget(self, keys):
        return self.client.mget([to_bytes(key) for key in keys])

    def exists(self, keys):
        return self.client.exists(*[to_bytes(key) for key in keys])

    def delete(self, keys):
        return self.client.delete(*[to_bytes(key) for key in keys])

    def call(self, name, *args):
        # The client's own way to send would turn replies into what its function of that name returns.
        pool = self.client.connection_pool
        connection = pool.get_connection(name)
        try:
            connection.send_command(name, *[to_bytes(arg) for arg in args])
            return connection.read_response()
        finally:
            pool.release(connection)

    def scan(self, pattern, count):
        return sorted(to_json(key) for key in self.client.scan_iter(match=to_bytes(pattern), count=count))

    def pipeline(self, key, count):
        with self.client.pipeline(transaction=False) as pipeline:
            for _ in range(count):
                pipeline.incr(key)
            return pipeline.execute()

    def transaction(self, commands):
        with self.client.pipeline(transaction=True) as pipeline:
            for name, *args in commands:
                getattr(pipeline, name)(*[to_bytes(arg) for arg in args])
            return ["OK" if reply is True else reply for reply in pipeline.execute(raise_on_error=False)]

    def watch(self, key, interfere):
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.watch(key)
            if interfere:
                self.other.set(key, "theirs")
            pipeline.multi()
            pipeline.set(key, "ours")
            try:
                pipeline.execute()
                return "done"
            except redis.WatchError:
                return "conflict"


def connect(address):
    host, port = address.rsplit(":", 1)
    return redis.Redis(host=host, port=int(port), socket_timeout=5, socket_connect_timeout=2)


def main():
    client = connect(sys.argv[1])
    operations = Operations(client, connect(sys.argv[1]))
    load = Load(client)
    for line in sys.stdin:
        request = json.loads(line)
        name = {"del": "delete"}.get(request["op"], request["op"])
        target = load if hasattr(Load, name) else operations
        try:
            reply = {"id": request["id"], "result": to_json(getattr(target, name)(*request["args"]))}
        except Exception as error:
            reply = {"id": request["id"], "error": str(error)}
        print(json.dumps(reply), flush=True)


main()
