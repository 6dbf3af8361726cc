"""
python3-redis over TLS: redis_tls.py <port> <user:password> <file of the CA> <file of another>; prints what it reads without a login, with one,
and with the other CA.
"""

import json
import sys

import redis

VALUE = b"x" * 300_000


def use(port, ca, username=None, password=None):
    login = {"username": username, "password": password}
    client = redis.Redis(host="localhost", port=port, ssl=True, ssl_ca_certs=ca, **login)
    try:
        client.get("long")
        client.set("long", VALUE)
        pipeline = client.pipeline(transaction=False)
        for _ in range(100):
            pipeline.incr("count")
        return [client.get("long") == VALUE, len(pipeline.execute())]
    except redis.exceptions.AuthenticationError as error:
        return "NOAUTH" if "Authentication required" in str(error) or "NOAUTH" in str(error) else str(error)
    except redis.exceptions.ConnectionError as error:
        return "CERTIFICATE_VERIFY_FAILED" if "CERTIFICATE_VERIFY_FAILED" in str(error) else str(error)


port, credentials, own, other = sys.argv[1:]
login = credentials.split(":")
print(json.dumps([use(int(port), own), use(int(port), own, *login), use(int(port), other, *login)]))
