"""A whole Sigstore on this machine: an OIDC issuer, Fulcio with a file CA, a timestamp authority and Rekor v2, in a
network namespace of its own, so that nothing can leave it.

    unshare -rn python3 sigstore_stack.py BIN FOLDER COMMAND…

starts the programs of BIN, writes tokens, `trusted_root.json` and `signing_config.json` into FOLDER, runs the command,
stops what it started, and ends with the command's code. Each program's words are in FOLDER/NAME.log.
"""

import base64
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

BIN, FOLDER = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
COMMAND = sys.argv[3:]
ISSUER = "http://127.0.0.1:8888"
FULCIO, REKOR, TSA = "http://127.0.0.1:5555", "http://localhost:3003", "http://127.0.0.1:3004"
STARTED = []


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def issuer():
    """Serves the issuer's documents; gives what makes tokens."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
           "x": url64(point.x.to_bytes(32, "big")), "y": url64(point.y.to_bytes(32, "big"))}
    documents = {
        "/.well-known/openid-configuration": {
            "issuer": ISSUER, "jwks_uri": ISSUER + "/keys", "authorization_endpoint": ISSUER + "/auth",
            "token_endpoint": ISSUER + "/token", "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"]},
        "/keys": {"keys": [jwk]},
    }

    def token(now, **changes):
        claims = {"iss": ISSUER, "aud": "sigstore", "sub": "ci", "email": "ci@example.com", "email_verified": True,
                  "iat": now, "nbf": now, "exp": now + 600} | changes
        head = {"alg": "ES256", "typ": "JWT", "kid": "1"}
        text = ".".join(url64(json.dumps(part).encode()) for part in (head, claims))
        r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + url64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            # What GitHub's runner answers a job that asks for a token.
            good = self.headers.get("Authorization") == "Bearer job" and "audience=sigstore" in self.path
            if path == "/github" and good:
                answer = {"value": token(int(time.time()))}
            else:
                answer = documents.get(path)
            body = json.dumps(answer).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8888), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return token


def start(name, *arguments):
    log = open(FOLDER / f"{name}.log", "wb")
    STARTED.append(subprocess.Popen([BIN / name, *arguments], cwd=FOLDER, stdout=log, stderr=log))


def answers(url):
    """Waits until the service does; its answer."""
    for _ in range(300):
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except urllib.error.HTTPError:
            return None
        except OSError:
            time.sleep(0.1)
        if any(child.poll() is not None for child in STARTED):
            break
    raise SystemExit(f"{url} does not answer; see {FOLDER}/*.log")


def run(*words):
    subprocess.run([str(word) for word in words], cwd=FOLDER, check=True, stdout=subprocess.PIPE)


def main():
    subprocess.run([shutil.which("ip") or "/usr/sbin/ip", "link", "set", "lo", "up"], check=True)
    token, now = issuer(), int(time.time())
    for name, text in {
        "token": token(now),
        "expired": token(now - 3600),
        "early": token(now + 3600, exp=now + 7200),
        "elsewhere": token(now, aud="somebody"),
        "stranger": token(now, iss="http://127.0.0.1:8889"),
    }.items():
        (FOLDER / name).write_text(text)

    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-passout", "pass:test",
        "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/O=test/CN=test CA",
        "-addext", "basicConstraints=critical,CA:TRUE,pathlen:1", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-addext", "extendedKeyUsage=codeSigning")
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "rekor.pem")
    run("openssl", "pkey", "-in", "rekor.pem", "-pubout", "-out", "rekor.pub")
    (FOLDER / "fulcio.yaml").write_text(
        f"oidc-issuers:\n  {ISSUER}:\n    issuer-url: {ISSUER}\n    client-id: sigstore\n    type: email\n")
    start("fulcio", "serve", "--ca", "fileca", "--fileca-cert", "ca.crt", "--fileca-key", "ca.key",
          "--fileca-key-passwd", "test", "--fileca-watch=false", "--ct-log-url", "", "--config-path", "fulcio.yaml",
          "--host", "127.0.0.1", "--port", "5555", "--grpc-host", "127.0.0.1", "--grpc-port", "5554",
          "--metrics-port", "2113")
    start("timestamp-server", "serve", "--timestamp-signer", "memory", "--disable-ntp-monitoring",
          "--host", "127.0.0.1", "--port", "3004")
    start("posix", "serve", "--http-address", "127.0.0.1", "--http-port", "3003", "--grpc-address", "127.0.0.1",
          "--grpc-port", "3001", "--http-metrics-port", "2119", "--hostname", "localhost", "--storage-dir", "tiles",
          "--signer-filepath", "rekor.pem", "--checkpoint-interval", "500ms", "--batch-max-age", "100ms")
    (FOLDER / "tsa.pem").write_bytes(answers(TSA + "/api/v1/timestamp/certchain"))
    answers(FULCIO + "/healthz")
    answers(REKOR + "/healthz")

    cosign, since = BIN / "cosign", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 60))
    run(cosign, "trusted-root", "create", "--out", "trusted_root.json",
        f"--fulcio=url={FULCIO},certificate-chain=ca.crt,start-time={since}",
        f"--rekor=url={REKOR},public-key=rekor.pub,start-time={since},origin=localhost",
        f"--tsa=url={TSA}/api/v1/timestamp,certificate-chain=tsa.pem,start-time={since}")
    run(cosign, "signing-config", "create", "--out", "signing_config.json",
        f"--fulcio=url={FULCIO},api-version=1,operator=test,start-time={since}",
        f"--rekor=url={REKOR},api-version=2,operator=test,start-time={since}", "--rekor-config=ANY",
        f"--oidc-provider=url={ISSUER},api-version=1,operator=test,start-time={since}",
        f"--tsa=url={TSA}/api/v1/timestamp,api-version=1,operator=test,start-time={since}", "--tsa-config=EXACT:1")
    return subprocess.run(COMMAND).returncode


try:
    code = main()
finally:
    for child in STARTED:
        child.terminate()
    for child in STARTED:
        child.wait()
sys.exit(code)
