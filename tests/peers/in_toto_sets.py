"""Makes sets of layouts, links and keys with in-toto's Python library, good and bad, and says what its verifier thinks.

    in_toto_sets.py FOLDER

For each set a folder: `root.layout`, `links/*.link`, `owner.pub`. One line a set on standard output: its name, a tab, and
`pass` or what the verifier raised.
"""

import copy
import json
import os
import random
import sys

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from in_toto.models._signer import load_public_key_from_file
from in_toto.models.layout import Inspection, Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Envelope, Metablock, Metadata
from in_toto.verifylib import in_toto_verify
from securesystemslib.signer import CryptoSigner

ROOT = sys.argv[1]
OWN = {
    "owner": ed25519.Ed25519PrivateKey.generate(),
    "other": ed25519.Ed25519PrivateKey.generate(),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa384": ec.generate_private_key(ec.SECP384R1()),
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
}
SIGNERS = {name: CryptoSigner(key) for name, key in OWN.items()}


def key_of(name):
    key = SIGNERS[name].public_key
    return {**key.to_dict(), "keyid": key.keyid}


def id_of(name):
    return SIGNERS[name].public_key.keyid


def pem(name):
    return OWN[name].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def artifacts(text):
    """`a=1 b` is a dictionary of two paths with made-up hashes."""
    pairs = (word.partition("=") for word in text.split())
    return {path: {"sha256": (hash_ or "0") * 64} for path, _, hash_ in pairs}


class Set:
    """A layout of three steps, ready to be changed before and after signing."""

    def __init__(self, form):
        self.form = form
        self.owner = ["owner"]
        self.expires = "2099-01-01T00:00:00Z"
        self.inspect = []
        self.layout_keys = ["ed25519", "ecdsa", "rsa"]
        self.steps = {
            "write": dict(
                keys=["ed25519"], threshold=1,
                materials=[["DISALLOW", "*"]],
                products=[["CREATE", "src/*"], ["DISALLOW", "*"]],
            ),
            "build": dict(
                keys=["ecdsa"], threshold=1,
                materials=[["MATCH", "src/*", "WITH", "PRODUCTS", "FROM", "write"], ["DISALLOW", "*"]],
                products=[["CREATE", "app"], ["MATCH", "*", "WITH", "PRODUCTS", "FROM", "write"], ["DISALLOW", "*"]],
            ),
            "package": dict(
                keys=["rsa"], threshold=1,
                materials=[["MATCH", "app", "WITH", "PRODUCTS", "FROM", "build"], ["DISALLOW", "*"]],
                products=[["REQUIRE", "app.tar"], ["ALLOW", "app*"], ["DISALLOW", "*"]],
            ),
        }
        self.links = {
            ("write", "ed25519"): ("", "src/a=1 src/b=2"),
            ("build", "ecdsa"): ("src/a=1 src/b=2", "src/a=1 src/b=2 app=3"),
            ("package", "rsa"): ("app=3", "app=3 app.tar=4"),
        }
        self.rename = {}
        self.signed_by = {}
        self.after = {}

    def sign(self, signable, signer):
        if self.form == "dsse":
            metadata = Envelope.from_signable(signable)
        else:
            metadata = Metablock(signed=signable)
        for name in [signer] if isinstance(signer, str) else signer:
            metadata.create_signature(SIGNERS[name])
        return metadata.to_dict()

    def layout(self):
        steps = [
            Step(
                name=name, pubkeys=[id_of(key) for key in step["keys"]], threshold=step["threshold"],
                expected_materials=step["materials"], expected_products=step["products"],
                expected_command=["make", name],
            )
            for name, step in self.steps.items()
        ]
        layout = Layout(steps=steps, inspect=self.inspect, expires=self.expires)
        for name in self.layout_keys:
            layout.add_functionary_key(key_of(name))
        return layout

    def write(self, folder):
        os.makedirs(os.path.join(folder, "links"))
        files = {"root.layout": self.sign(self.layout(), self.owner)}
        for (step, key), (materials, products) in self.links.items():
            link = Link(
                name=self.rename.get(step, step), command=["make", step], byproducts={"return-value": 0},
                materials=artifacts(materials), products=artifacts(products), environment={"variables": ["A=é\n\"\\"]},
            )
            signed = self.sign(link, self.signed_by.get((step, key), key))
            files[f"links/{step}.{id_of(key):.8}.link"] = signed
        for name, change in self.after.items():
            path = next(path for path in files if path.startswith(name))
            change(files[path])
        for path, document in files.items():
            with open(os.path.join(folder, path), "w", encoding="utf8") as file:
                json.dump(document, file)
        with open(os.path.join(folder, "owner.pub"), "wb") as file:
            file.write(pem("owner"))


def rules(which, step, *texts):
    def change(one):
        one.steps[step][which] = [text.split() for text in texts]
    return change


def link(step, key, materials, products):
    def change(one):
        one.links[(step, key)] = (materials, products)
    return change


def field(name, value):
    return lambda one: setattr(one, name, value)


def step(name, **fields):
    return lambda one: one.steps[name].update(fields)


def lost(name, key):
    return lambda one: one.links.pop((name, key))


def after(path, change):
    def put(one):
        one.after[path] = change
    return put


def flip_payload(document):
    if "signed" in document:
        signed = document["signed"]
        signed["readme" if "readme" in signed else "command"] = "other" if "readme" in signed else ["other"]
    else:
        payload = document["payload"]
        document["payload"] = payload[:20] + ("A" if payload[20] != "A" else "B") + payload[21:]


def flip_signature(document):
    sig = document["signatures"][0]
    text = sig["sig"]
    sig["sig"] = text[:10] + ("0" if text[10] != "0" else "1") + text[11:]


def rename_key(document):
    document["signatures"][0]["keyid"] = "ab" * 32


def no_signature(document):
    document["signatures"] = []


two = [step("build", keys=["ecdsa", "ed25519"], threshold=2)]
both = two + [link("build", "ed25519", "src/a=1 src/b=2", "src/a=1 src/b=2 app=3")]

SETS = {
    "good": [],
    "good-threshold-two": both,
    "good-one-of-two": [step("build", keys=["ecdsa", "ed25519"])],
    "good-second-key": [
        step("build", keys=["ecdsa", "ed25519"]), lost("build", "ecdsa"),
        link("build", "ed25519", "src/a=1 src/b=2", "src/a=1 src/b=2 app=3"),
    ],
    "good-p384": [
        field("layout_keys", ["ed25519", "ecdsa", "rsa", "ecdsa384"]), step("build", keys=["ecdsa384"]), lost("build", "ecdsa"),
        link("build", "ecdsa384", "src/a=1 src/b=2", "src/a=1 src/b=2 app=3"),
    ],
    "good-two-owners": [field("owner", ["other", "owner"])],
    "good-prefixes": [
        rules("materials", "build", "MATCH * IN work/src WITH PRODUCTS IN src FROM write", "DISALLOW *"),
        rules("products", "build", "CREATE app", "ALLOW work/*", "DISALLOW *"),
        link("build", "ecdsa", "work/src/a=1 work/src/b=2", "work/src/a=1 work/src/b=2 app=3"),
    ],
    "good-any-case": [rules("products", "write", "create src/*", "Disallow *")],
    "good-classes": [rules("products", "write", "CREATE src/[ab]", "DISALLOW src/[!a-b]", "DISALLOW *")],
    "good-modify": [
        rules("products", "build", "CREATE app", "MODIFY src/a", "ALLOW src/b", "DISALLOW *"),
        link("build", "ecdsa", "src/a=1 src/b=2", "src/a=9 src/b=2 app=3"),
    ],
    "good-delete": [
        rules("materials", "package", "MATCH app WITH PRODUCTS FROM build", "DELETE tmp", "DISALLOW *"),
        link("package", "rsa", "app=3 tmp=5", "app=3 app.tar=4"),
    ],
    "good-other-command": [lambda one: one.steps["write"].update(threshold=1)],
    "bad-unneeded-owner-missing": [field("owner", ["other"])],
    "bad-expired": [field("expires", "2001-01-01T00:00:00Z")],
    "bad-layout-changed": [after("root.layout", flip_payload)],
    "bad-layout-signature": [after("root.layout", flip_signature)],
    "bad-layout-key-name": [after("root.layout", rename_key)],
    "bad-layout-unsigned": [after("root.layout", no_signature)],
    "bad-link-changed": [after("links/build", flip_payload)],
    "bad-link-signature": [after("links/build", flip_signature)],
    "bad-link-rsa-signature": [after("links/package", flip_signature)],
    "bad-link-ed25519-signature": [after("links/write", flip_signature)],
    "bad-link-key-name": [after("links/build", rename_key)],
    "bad-link-unsigned": [after("links/build", no_signature)],
    "bad-link-by-another": [lambda one: one.signed_by.update({("build", "ecdsa"): "ed25519"})],
    "bad-link-by-stranger": [lost("build", "ecdsa"), link("build", "other", "src/a=1 src/b=2", "src/a=1 src/b=2 app=3")],
    "bad-link-missing": [lost("build", "ecdsa")],
    "bad-first-missing": [lost("write", "ed25519")],
    "bad-last-missing": [lost("package", "rsa")],
    "bad-key-not-in-layout": [field("layout_keys", ["ed25519", "rsa"])],
    "bad-no-keys": [step("build", keys=[])],
    "bad-threshold-two-one": two,
    "bad-threshold-two-disagree": two + [link("build", "ed25519", "src/a=1 src/b=2", "src/a=1 src/b=2 app=4")],
    "bad-threshold-two-other-materials": two + [link("build", "ed25519", "src/a=1", "src/a=1 src/b=2 app=3")],
    "bad-threshold-three": both + [step("build", threshold=3)],
    "bad-threshold-two-broken": both + [after("links/build", flip_signature)],
    "bad-threshold-none": [step("build", threshold=0), lost("build", "ecdsa")],
    "bad-extra-product": [link("build", "ecdsa", "src/a=1 src/b=2", "src/a=1 src/b=2 app=3 evil=6")],
    "bad-extra-material": [link("build", "ecdsa", "src/a=1 src/b=2 evil=6", "src/a=1 src/b=2 app=3")],
    "bad-changed-between": [link("build", "ecdsa", "src/a=7 src/b=2", "src/a=7 src/b=2 app=3")],
    "bad-changed-app": [link("package", "rsa", "app=5", "app=5 app.tar=4")],
    "bad-required": [link("package", "rsa", "app=3", "app=3")],
    "bad-required-consumed": [rules("products", "package", "ALLOW app*", "REQUIRE app.tar")],
    "bad-match-nobody": [rules("materials", "package", "MATCH app WITH PRODUCTS FROM nobody", "DISALLOW *")],
    "bad-match-materials": [rules("materials", "package", "MATCH app WITH MATERIALS FROM build", "DISALLOW *")],
    "bad-match-prefix": [rules("materials", "package", "MATCH app WITH PRODUCTS IN out FROM build", "DISALLOW *")],
    "bad-class": [rules("products", "write", "CREATE src/[!a]", "DISALLOW *")],
    "bad-case": [rules("products", "write", "CREATE SRC/*", "DISALLOW *")],
    "bad-nothing-there": [link("build", "ecdsa", "", "")],
}

PATHS = ["a", "b", "ab", "a/b", "src/a", "src/b", "src/a/b", "out/a", "[a]", "a-b"]
PATTERNS = PATHS + ["*", "*", "a*", "*b", "src/*", "?", "??", "[ab]", "[!a]", "*/*", "[a-b]*", "[", "[!", "a[", "[]a]", "[a-]"]
PREFIXES = ["", "src", "src/", "out", "a"]


def random_rule(dice):
    kind = dice.choice(["CREATE", "DELETE", "MODIFY", "ALLOW", "MATCH", "MATCH", "MATCH", "MATCH", "DISALLOW", "REQUIRE"])
    if kind in {"DISALLOW", "REQUIRE"}:
        return [kind, dice.choice(PATHS)]
    if kind != "MATCH":
        return [kind, dice.choice(PATTERNS)]
    rule = ["MATCH", dice.choice(PATTERNS)]
    for word in (["WITH", dice.choice(["MATERIALS", "PRODUCTS"])], ["FROM", dice.choice(["write", "build", "nobody"])]):
        prefix = dice.choice(PREFIXES)
        if prefix and word[0] == "WITH":
            rule += ["IN", prefix]
        rule += word
        if word[0] == "WITH" and (prefix := dice.choice(PREFIXES)):
            rule += ["IN", prefix]
    return rule


def random_artifacts(dice):
    return " ".join(f"{path}={dice.choice('12')}" for path in PATHS if dice.random() < 0.4)


def random_set(number):
    dice = random.Random(number)

    def change(one):
        del one.steps["package"], one.links[("package", "rsa")]
        for name, step in one.steps.items():
            for which in ("materials", "products"):
                step[which] = [random_rule(dice) for _ in range(dice.randrange(4))]
                if dice.random() < 0.1:
                    step[which].append(["DISALLOW", "*"])
        one.links = {place: (random_artifacts(dice), random_artifacts(dice)) for place in one.links}
    return [change]


def verdict(folder):
    try:
        metadata = Metadata.load(os.path.join(folder, "root.layout"))
        key = load_public_key_from_file(os.path.join(folder, "owner.pub"))
        in_toto_verify(metadata, {key["keyid"]: key}, link_dir_path=os.path.join(folder, "links"))
        return "pass"
    except Exception as error:
        return type(error).__name__


def main():
    os.chdir(ROOT)
    sets = dict(SETS)
    sets.update({f"random-{number}": random_set(number) for number in range(100)})
    ran = Inspection(name="untar", run=["touch", "ran"], expected_materials=[], expected_products=[])
    sets["inspected"] = [field("inspect", [ran])]
    for name, changes in sets.items():
        forms = ("metablock", "dsse")
        if name.startswith("random-"):
            forms = forms[int(name.removeprefix("random-")) % 2 :][:1]
        for form in forms:
            one = Set(form)
            for change in copy.copy(changes):
                change(one)
            folder = os.path.join(ROOT, f"{name}.{form}")
            one.write(folder)
            print(f"{name}.{form}\t{verdict(folder)}")


main()
