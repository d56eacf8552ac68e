"""A whole Sigstore on this machine, in a network namespace of its own, so that nothing can leave it: an OIDC issuer,
Fulcio with a file CA, a timestamp authority, and a log. That is Rekor v2 (and no SCTs), or Rekor v1 and a CT log over a
Trillian in memory.

    unshare -rn python3 sigstore_stack.py v1|v2 BIN FOLDER COMMAND…

starts the programs of BIN, writes tokens, `trusted_root.json` and `signing_config.json` into FOLDER, runs the command,
stops what it started, and ends with the command's code. Each program's words are in FOLDER/NAME.log.
"""

import base64
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

VERSION = {"v1": 1, "v2": 2}[sys.argv[1]]
BIN, FOLDER = (pathlib.Path(word).resolve() for word in sys.argv[2:4])
COMMAND = sys.argv[4:]
ISSUER = "http://127.0.0.1:8888"
FULCIO, REKOR, TSA = "http://127.0.0.1:5555", "http://localhost:3003", "http://127.0.0.1:3004"
CT = "http://127.0.0.1:6962/test"
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
    """Gives the file of its words."""
    log = FOLDER / f"{name}.log"
    with open(log, "wb") as words:
        STARTED.append(subprocess.Popen([BIN / name, *arguments], cwd=FOLDER, stdout=words, stderr=words))
    return log


def trillian():
    """Starts it; the ids of its two logs."""
    log = start("trillian", "127.0.0.1:8090")
    for _ in range(100):
        ids = re.findall(r"^log (\d+)\n", log.read_text(), re.MULTILINE)
        if len(ids) == 2:
            return ids
        time.sleep(0.1)
    raise SystemExit(f"no logs; see {log}")


def first_generation():
    """Rekor v1 and a CT log; what Fulcio and a trusted root must be told of the latter."""
    ct, rekor = trillian()
    run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "ct.pem")
    run("openssl", "ec", "-in", "ct.pem", "-aes128", "-passout", "pass:test", "-out", "ct.key")
    run("openssl", "ec", "-in", "ct.pem", "-pubout", "-out", "ct.pub")
    (FOLDER / "ct.cfg").write_text(
        f'config {{ log_id: {ct} prefix: "test" roots_pem_file: "ca.crt" ext_key_usages: "CodeSigning" private_key {{ '
        '[type.googleapis.com/keyspb.PEMKeyFile] { path: "ct.key" password: "test" } } }')
    start("ct_server", "--log_config", "ct.cfg", "--log_rpc_server", "127.0.0.1:8090",
          "--http_endpoint", "127.0.0.1:6962")
    start("rekor-server", "serve", "--host", "127.0.0.1", "--port", "3003", "--trillian_log_server.address=127.0.0.1",
          "--trillian_log_server.port=8090", f"--trillian_log_server.tlog_id={rekor}", "--enable_retrieve_api=false",
          "--rekor_server.signer=memory", "--rekor_server.hostname=localhost")
    answers(CT + "/ct/v1/get-sth")
    (FOLDER / "rekor.pub").write_bytes(answers(REKOR + "/api/v1/log/publicKey"))
    return ["--ct-log-url", CT, "--ct-log-public-key-path", "ct.pub"], [f"--ctfe=url={CT},public-key=ct.pub"]


def second_generation():
    """Rekor v2, and no CT log."""
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "rekor.pem")
    run("openssl", "pkey", "-in", "rekor.pem", "-pubout", "-out", "rekor.pub")
    start("posix", "serve", "--http-address", "127.0.0.1", "--http-port", "3003", "--grpc-address", "127.0.0.1",
          "--grpc-port", "3001", "--http-metrics-port", "2119", "--hostname", "localhost", "--storage-dir", "tiles",
          "--signer-filepath", "rekor.pem", "--checkpoint-interval", "500ms", "--batch-max-age", "100ms")
    answers(REKOR + "/healthz")
    return ["--ct-log-url", ""], []


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
    subprocess.run([str(word) for word in words], cwd=FOLDER, check=True, capture_output=True)


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
    (FOLDER / "fulcio.yaml").write_text(
        f"oidc-issuers:\n  {ISSUER}:\n    issuer-url: {ISSUER}\n    client-id: sigstore\n    type: email\n")
    start("timestamp-server", "serve", "--timestamp-signer", "memory", "--disable-ntp-monitoring",
          "--host", "127.0.0.1", "--port", "3004")
    for_fulcio, for_root = first_generation() if VERSION == 1 else second_generation()
    start("fulcio", "serve", "--ca", "fileca", "--fileca-cert", "ca.crt", "--fileca-key", "ca.key",
          "--fileca-key-passwd", "test", "--fileca-watch=false", "--config-path", "fulcio.yaml",
          "--host", "127.0.0.1", "--port", "5555", "--grpc-host", "127.0.0.1", "--grpc-port", "5554",
          "--metrics-port", "2113", *for_fulcio)
    (FOLDER / "tsa.pem").write_bytes(answers(TSA + "/api/v1/timestamp/certchain"))
    answers(FULCIO + "/healthz")

    cosign, since = BIN / "cosign", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 60))
    run(cosign, "trusted-root", "create", "--out", "trusted_root.json",
        f"--fulcio=url={FULCIO},certificate-chain=ca.crt,start-time={since}",
        f"--rekor=url={REKOR},public-key=rekor.pub,start-time={since},origin=localhost",
        f"--tsa=url={TSA}/api/v1/timestamp,certificate-chain=tsa.pem,start-time={since}",
        *(f"{log},start-time={since}" for log in for_root))
    run(cosign, "signing-config", "create", "--out", "signing_config.json",
        f"--fulcio=url={FULCIO},api-version=1,operator=test,start-time={since}",
        f"--rekor=url={REKOR},api-version={VERSION},operator=test,start-time={since}", "--rekor-config=ANY",
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
