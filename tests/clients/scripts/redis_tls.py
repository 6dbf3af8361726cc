"""python3-redis over TLS: redis_tls.py <port> <file of the CA> <file of another>; prints what it reads with each."""

import json
import sys

import redis

VALUE = b"x" * 300_000


def use(port, ca):
    client = redis.Redis(host="localhost", port=port, ssl=True, ssl_ca_certs=ca)
    try:
        client.set("long", VALUE)
        pipeline = client.pipeline(transaction=False)
        for _ in range(100):
            pipeline.incr("count")
        return [client.get("long") == VALUE, len(pipeline.execute())]
    except redis.exceptions.ConnectionError as error:
        return "CERTIFICATE_VERIFY_FAILED" if "CERTIFICATE_VERIFY_FAILED" in str(error) else str(error)


print(json.dumps([use(int(sys.argv[1]), ca) for ca in sys.argv[2:]]))
