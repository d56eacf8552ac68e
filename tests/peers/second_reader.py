"""A second reader of the ledger, written from the manual's pages alone (see `replay`).

    second_reader.py REPOSITORY [REF]

Ends at the first fault, with the code of its finding; prints `sound` and the size where there is none. Not judged
are what a policy asks of steps, and whether old and new key sign a change of the ledger key.
"""

import base64, hashlib, json, re, struct, subprocess, sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
BASE64, HEX, NUMBER = r"([A-Za-z0-9+/]{43}=)", "([0-9a-f]{64})", "(0|[1-9][0-9]{0,15})"
ORIGIN, OBJECT = "([A-Za-z0-9._~:-]+(?:/[A-Za-z0-9._~:-]+)*)", "(sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64})"
TIME, STEP = "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)", "([a-z0-9][a-z0-9._-]{0,63})"
FIELDS = f'"v":1,"seq":{NUMBER},"prev":"{HEX}","commit":"{OBJECT}","tree":"{OBJECT}","time":"{TIME}","step":"{STEP}"'
LINK = re.compile((r'\{"link":(\{%s,"attestation":"sha256:%s"\})' % (FIELDS, HEX)).encode())
HEAD = f"{NUMBER} {BASE64}\n"
RECORD = f"git-docket/append/v1\n{ORIGIN}\n{HEAD}{HEAD}{BASE64}\nroster {HEAD}policy {HEAD}"
GOVERNANCE = ("genesis", "roster", "policy", "cosign", "ledger-key")

class Fault(Exception):
    pass

def need(condition, code):
    if not condition:
        raise Fault(code)

# -- hashes, base64, JSON, signatures

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def root(leaves):
    """RFC 6962, section 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root(leaves[:split]), root(leaves[split:]))

def cover(leaves, begin, end):
    """The hashes of the fewest perfect subtrees of [begin, end)."""
    while begin < end:
        size = begin & -begin or 1 << 53
        while begin + size > end:
            size >>= 1
        yield to_base64(root(leaves[begin : begin + size]))
        begin += size

def to_base64(data):
    return base64.b64encode(data).decode()

def from_base64(text):
    data = base64.b64decode(text, validate=True)
    if to_base64(data) != text:
        raise ValueError("base64 in another spelling")
    return data

def strict_json(data):
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    return json.loads(data.decode(), object_pairs_hook=once)

class SecurityKey:
    """A key as SSH encodes it, whose private half a security key has."""

    def __init__(self, blob):
        self.blob = blob
        self.kind, *fields = ssh_strings(blob)
        if self.kind == b"sk-ssh-ed25519@openssh.com":
            raw, self.application = fields
            self.inner = Ed25519PublicKey.from_public_bytes(raw)
        elif self.kind == b"sk-ecdsa-sha2-nistp256@openssh.com":
            curve, raw, self.application = fields
            if curve != b"nistp256" or raw[:1] != b"\4":
                raise ValueError("another curve, or a compressed point")
            self.inner = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        else:
            raise ValueError("no security key")
        if not re.fullmatch(rb"ssh:[!-~]{0,251}", self.application):
            raise ValueError("a key for something else than SSH")

    def verifies(self, signature, message):
        head = b"SSHSIG\0\0\0\1" + ssh_text(self.blob, b"ledger@git-docket.dev", b"", b"sha512")
        if not signature.startswith(head):
            return False
        try:
            (whole,) = ssh_strings(signature[len(head) :])
            kind, inner = ssh_strings(whole[:-5])
            if kind != self.kind or not whole[-5] & 1:
                return False
            if isinstance(self.inner, ec.EllipticCurvePublicKey):
                numbers = [int.from_bytes(number, "big") for number in ssh_strings(inner)]
                if inner != ssh_text(*(n.to_bytes(n.bit_length() // 8 + 1, "big") for n in numbers)):
                    return False
                inner = encode_dss_signature(*numbers)
        except (struct.error, ValueError, TypeError, IndexError):
            return False
        hashed = hashlib.sha512(message).digest()
        text = b"SSHSIG" + ssh_text(b"ledger@git-docket.dev", b"", b"sha512", hashed)
        return verifies(self.inner, inner, sha256(self.application) + whole[-5:] + sha256(text))

def ssh_strings(data):
    """Fields, each after its length in four bytes (RFC 4251, section 5)."""
    found = []
    while data:
        (length,) = struct.unpack_from(">I", data)
        if len(data) < 4 + length:
            raise ValueError("a field that is cut off")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found

def ssh_text(*fields):
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)

def verifies(key, signature, message):
    if isinstance(key, SecurityKey):
        return key.verifies(signature, message)
    rule = []
    if isinstance(key, ec.EllipticCurvePublicKey):
        rule = [ec.ECDSA(hashes.SHA256() if key.key_size == 256 else hashes.SHA384())]
    try:
        return key.verify(signature, message, *rule) is None
    except InvalidSignature:
        return False

def keys_of(listed):
    """Keys of a genesis or of a person in a roster, by their ids."""
    keys = {}
    for one in listed:
        data = from_base64(one["publicKey"])
        if data[:1] == b"\0":
            key, blob = SecurityKey(data), data
        else:
            key = serialization.load_der_public_key(data)
            form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
            blob = base64.b64decode(key.public_bytes(*form).split()[1])
        keys["SHA256:" + to_base64(sha256(blob)).rstrip("=")] = key
    return keys

def note_id(name, key):
    """The id by which signed notes know a key."""
    if isinstance(key, Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return sha256(name.encode(), b"\n\1", raw)[:4]
    if isinstance(key, SecurityKey):
        return sha256(name.encode(), b"\n\xffgit-docket.dev/sshsig\n", key.blob)[:4]
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return sha256(key.public_bytes(*form))[:4]

def signed_by(note, name, key):
    """The text of a signed note; False where the signature does not hold, None where there is none."""
    text, lines = re.fullmatch(r"(.+\n)\n((?:— [^\s+]+ \S+\n){1,16})", note.decode(), re.S).groups()
    for _, signer, data in (line.split(" ") for line in lines.splitlines()):
        signature = from_base64(data)
        if signer == name and signature[:4] == note_id(name, key):
            return verifies(key, signature[4:], text.encode()) and text

# -- the ledger

class Tree:
    """What stands in the tip's tree: notes, bodies and commits by hex id, records by name."""

    def __init__(self, repository, ref):
        def git(*words):
            command = ["git", "--no-replace-objects", "-C", repository, *words]
            return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout

        self.notes, self.bodies, self.commits, self.records = {}, {}, {}, {}
        self.format = git("rev-parse", "--show-object-format").decode().strip()
        history = git("rev-list", "--parents", ref).splitlines()
        need(all(len(commit.split()) <= 2 for commit in history), "ledger-merge")
        for row in git("ls-tree", "-r", "-z", ref).split(b"\0")[:-1]:
            about, path = row.decode().split("\t", 1)
            mode, _, oid = about.split()
            need(mode == "100644", "tree-mode")
            folder, _ = re.fullmatch(r"(docket/\w+/|docket/|)(.*)", path).groups()
            place = {"docket/blob/": self.bodies, "docket/commit/": self.commits, "": self.notes}
            into = place.get(folder, self.records)
            name = path[7:] if into is self.records else path[len(folder) :].replace("/", "")
            width = 64 if into is self.bodies or self.format == "sha256" else 40
            known = ("append", "seal", "edge", "in-force") if into is self.records else ()
            need(path != "docket/append.sigstore.json", "append-record-keyless")
            need(name in known or re.fullmatch(f"[0-9a-f]{{{width}}}", name), "unexpected-path")
            need(name not in into, "duplicate-note")
            into[name] = git("cat-file", "blob", oid)

class Entry:
    """One line of a note, its body found and its digests checked."""

    def __init__(self, line, offset, tree):
        match = LINK.match(line)
        need(match and line.endswith(b"}"), "entry-grammar")
        link, seq, prev, commit, tree_id, _, step, digest = match.groups()
        self.seq, self.prev, self.leaf = int(seq), bytes.fromhex(prev.decode()), sha256(b"\0", link)
        self.commit, self.tree, self.step, self.digest = (x.decode() for x in (commit, tree_id, step, digest))
        rest = line[match.end() : -1]
        need(rest == b"" or rest.startswith(b',"attestation":'), "entry-grammar")
        self.body = rest[len(b',"attestation":') :] if rest else tree.bodies.pop(self.digest, None)
        need(self.body is not None, "body-missing")
        need(not rest or self.belongs_inline(offset), "entry-grammar")
        need(sha256(self.body).hex() == self.digest, "attestation-digest")
        need(rest or not self.belongs_inline(offset), "body-misplaced")

    def belongs_inline(self, offset):
        try:
            json.loads(self.body.decode())
        except ValueError:
            return False
        return offset <= 65_536 and len(self.body) <= 49_152 and not re.search(rb"[\r\n]|^\s|\s\Z", self.body)

    def read(self):
        """Reads the container: key id, signature, what is signed, and the payload."""
        outer = strict_json(self.body)
        bundle = {"mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"} & outer.keys()
        inner = outer["dsseEnvelope"] if bundle else outer
        (signature,) = inner["signatures"]
        self.signer = signature.get("keyid")
        if bundle and "publicKey" not in outer["verificationMaterial"]:
            self.signer = None
        elif bundle and outer["verificationMaterial"]["publicKey"]["hint"] != self.signer:
            raise ValueError("hint and keyid differ")
        kind, self.payload = inner["payloadType"], from_base64(inner["payload"])
        self.pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(self.payload), self.payload)
        return from_base64(signature["sig"]), kind

    def statement(self, keys, origin):
        """The statement, once signature and place hold."""
        try:
            signature, kind = self.read()
        except MALFORMED:
            raise Fault("attestation-grammar")
        need(re.fullmatch("SHA256:[A-Za-z0-9+/]{43}", self.signer or ""), "signature-invalid")
        need(self.signer in keys, "key-unknown")
        need(verifies(keys[self.signer], signature, self.pae), "signature-invalid")
        try:
            statement = strict_json(self.payload)
            subjects = [(one.get("annotations", {}), one["digest"]) for one in statement["subject"]]
        except MALFORMED:
            raise Fault("statement-grammar")
        need(kind == "application/vnd.in-toto+json", "statement-grammar")
        placed = [subjects[0][0].get(f"docket.{name}") for name in ("origin", "step", "commit")]
        need(placed != [None] * 3, "placement-missing")
        need(placed == [origin, self.step, self.commit], "placement-mismatch")
        own = {"gitCommit": self.commit.split(":")[1], "gitTree": self.tree.split(":")[1]}
        said = [(name, digest.get(name)) for _, digest in subjects for name in own]
        said = [(name, hex) for name, hex in said if hex and len(hex) == len(own[name])]
        need(not said or any(own[name] == hex for name, hex in said), "subject-mismatch")
        self.tree_proved = ("gitTree", own["gitTree"]) in said
        return statement

def entries(tree):
    found = []
    for about, note in tree.notes.items():
        need(note.endswith(b"\n"), "entry-grammar")
        offset, last = 0, -1
        for line in note[:-1].split(b"\n"):
            entry = Entry(line, offset, tree)
            need(entry.commit == f"{tree.format}:{about}", "note-mismatch")
            need(entry.seq > last, "entry-grammar")
            offset, last = offset + len(line) + 1, entry.seq
            found.append(entry)
    return sorted(found, key=lambda entry: entry.seq)

# -- replay

def govern(entries):
    """Origin, every key, and the state that judges each seq: rosters, ledger key, and who brought what."""
    try:
        first = entries[0]
        first.read()
        genesis = strict_json(first.payload)["predicate"]
        roots, origin = keys_of(genesis["rootKeys"]), genesis["origin"]
        need(first.prev == sha256(f"git-docket/genesis/v1\n{origin}\n".encode()), "genesis-invalid")
        first.statement(roots, origin)
    except (*MALFORMED, IndexError, Fault):
        raise Fault("genesis-invalid")
    keys, waiting = dict(roots), {}
    now = {"roster": (first, genesis["roster"]), "policy": (first, None), "ledger-key": (first, genesis["ledgerKey"])}
    states = [now]
    for entry in entries:
        for person in now["roster"][1]["persons"]:
            keys |= keys_of(person["keys"])
        about = entry.digest
        if entry.step in GOVERNANCE:
            said = entry.statement(keys, origin)["predicate"]
            if entry.step == "cosign":
                about = said["about"]["attestation"].removeprefix("sha256:")
            else:
                need(entry.signer in roots and (entry.step != "genesis" or entry is first), "governance-unauthorised")
                if entry.step in ("roster", "policy"):
                    replaced = {"origin": origin, "attestation": "sha256:" + now[entry.step][0].digest}
                    need(said.get("previous") == replaced, "governance-unauthorised")
                waiting[about] = (entry, said, set())
            need(about in waiting, "governance-unauthorised")
            change, said, signers = waiting[about]
            signers.add(entry.signer)
            if len(signers & roots.keys()) >= genesis["threshold"]:
                del waiting[about]
                if change is not first:
                    now = {**now, change.step: (change, said["new"] if change.step == "ledger-key" else said)}
        need(first.digest not in waiting or about == first.digest, "not-opened")
        states.append(now)
    return origin, keys, states

def check_records(tree, leaves, entries, origin, states):
    try:
        append, edge = tree.records["append"], tree.records["edge"]
        text, writer = re.fullmatch(rf"({RECORD})\n— (\S+) \S+\n", append.decode()).group(1, 12)
        named, old, old_root, new, new_root, last, *marks = re.fullmatch(RECORD, text).groups()
    except KeyError:
        raise Fault("append-record-missing")
    except MALFORMED:
        raise Fault("append-record-grammar")
    need(named == origin, "origin-mismatch")
    need(int(new) == len(leaves), "size-mismatch")
    hashes = [root(leaves), root(leaves[: int(old)]), leaves[-1]]
    need([from_base64(hash) for hash in (new_root, old_root, last)] == hashes, "root-mismatch")
    before, now = states[int(old)], states[-1]
    brought = [part for name in ("roster", "policy") for part in (str(now[name][0].seq), to_base64(now[name][0].leaf))]
    need(marks == brought, "in-force-mismatch")
    persons = [one for one in before["roster"][1]["persons"] if one["id"] == writer and "writer" in one["roles"]]
    answers = [signed_by(append, writer, key) for one in persons for key in keys_of(one["keys"]).values()]
    need(any(answer is not None for answer in answers), "append-record-signer")
    need(any(answers), "append-record-signature")

    sealed = 0
    if seal := tree.records.get("seal"):
        match = re.match(rf"{ORIGIN}\n([1-9][0-9]*)\n{BASE64}\n\n— ", seal.decode())
        need(match, "seal-grammar")
        need(match[1] == origin, "origin-mismatch")
        try:
            sealed, sealed_root = int(match[2]), from_base64(match[3])
        except ValueError:
            raise Fault("seal-grammar")
        name, _, key = states[min(sealed, len(leaves))]["ledger-key"][1].split("+", 2)
        sealer = Ed25519PublicKey.from_public_bytes(from_base64(key)[1:])
        need(signed_by(seal, name, sealer), "seal-signature")
        need(sealed <= len(leaves) and root(leaves[:sealed]) == sealed_root, "seal-mismatch")
    ranges = [(0, sealed), (sealed, len(leaves))]
    lines = [line for begin, end in ranges for line in (f"{begin} {end}", *cover(leaves, begin, end))]
    need(edge.decode() == "\n".join(["git-docket/edge/v1", *lines, ""]), "edge-mismatch")
    paths = [re.sub(".*:(..)(..)", r"\1/\2/", now[name][0].commit) for name in ("roster", "policy")]
    pointer = "git-docket/in-force/v1\nroster {}\npolicy {}\n".format(*paths)
    need(tree.records.get("in-force") == pointer.encode(), "in-force-mismatch")

def check_entries(tree, entries, origin, keys, states):
    seen, commits = set(), dict(tree.commits)
    revoked = [one for state in states for one in state["roster"][1].get("revocations", [])]
    suspect = {one["key"]: one["suspectSince"] for one in revoked if "suspectSince" in one}
    for entry, state in zip(entries, states):
        entry.statement(keys, origin)
        need((entry.pae, entry.signer) not in seen, "replayed")
        seen.add((entry.pae, entry.signer))
        commit, tree_id = (oid.split(":")[1] for oid in (entry.commit, entry.tree))
        if raw := tree.commits.get(commit):
            hashed = hashlib.new(tree.format, b"commit %d\0" % len(raw) + raw).hexdigest()
            need(hashed == commit and raw.startswith(f"tree {tree_id}\n".encode()), "kept-commit")
        need(raw or entry.tree_proved, "tree-unproved")
        commits.pop(commit, None)
        if entry.step not in GOVERNANCE:
            persons = [keys_of(person["keys"]) for person in state["roster"][1]["persons"]]
            need(any(entry.signer in keys for keys in persons), "key-out-of-range")
    need(not tree.bodies and not commits, "stray-body")
    sound = [entry for entry in entries if entry.seq < suspect.get(entry.signer, 1 << 53)]
    newest = {(entry.commit, entry.step): entry.seq for entry in sound}
    for entry in entries:
        attested_again = newest.get((entry.commit, entry.step), -1) > entry.seq
        need(entry.step in GOVERNANCE or entry in sound or attested_again, "key-revoked")

def replay(repository, ref="refs/notes/docket"):
    tree = Tree(repository, ref)
    found = entries(tree)
    for seq, entry in enumerate(found):
        need(entry.seq == seq, "seq-gap" if entry.seq > seq else "seq-duplicate")
        need(seq == 0 or entry.prev == found[seq - 1].leaf, "prev-mismatch")
    origin, keys, states = govern(found)
    check_records(tree, [entry.leaf for entry in found], found, origin, states)
    check_entries(tree, found, origin, keys, states)
    return f"sound {len(found)}"

if __name__ == "__main__":
    try:
        print(replay(*sys.argv[1:]))
    except Fault as fault:
        sys.exit(str(fault))
