//! Published Ed25519 vectors, judged by the rule that `signing` declares.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/peer.rs"]
mod peer;

use std::fs;

use data_encoding::HEXLOWER;
use git_docket::signing::PublicKey;
use serde_json::Value;

fn verifies(key: &Value, message: &[u8], signature: &Value) -> bool {
    let hex = |value: &Value| HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
    let bytes: [u8; 32] = hex(key).try_into().unwrap();
    // A key that is refused when enrolled verifies nothing.
    PublicKey::from_ed25519(&bytes).is_ok_and(|key| key.verify(message, &hex(signature)).is_ok())
}

#[test]
fn wycheproof() {
    let Some(corpus) = peer::corpus("wycheproof") else {
        return;
    };
    let file = corpus.join("testvectors_v1/ed25519_test.json");
    let vectors: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in vectors["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let message = HEXLOWER
                .decode(test["msg"].as_str().unwrap().as_bytes())
                .unwrap();
            let holds = verifies(&group["publicKey"]["pk"], &message, &test["sig"]);
            match test["result"].as_str().unwrap() {
                "valid" => valid += 1,
                "invalid" => invalid += 1,
                other => panic!("{other}"),
            }
            assert_eq!(holds, test["result"] == "valid", "test {}", test["tcId"]);
        }
    }
    assert_eq!(valid + invalid, vectors["numberOfTests"].as_i64().unwrap());
    assert!(valid > 50 && invalid > 50);
}

#[test]
fn cctv() {
    let Some(corpus) = peer::corpus("cctv") else {
        return;
    };
    let file = corpus.join("ed25519/ed25519vectors.json");
    let vectors: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    // Cofactorless: a residue of low order fails. R as bytes: only its canonical encoding equals what is
    // computed. Keys: canonical, and not of small order.
    let refused = [
        "low_order_residue",
        "non_canonical_R",
        "non_canonical_A",
        "low_order_A",
    ];
    let mut accepted = 0;
    for vector in &vectors {
        let flags: Vec<_> = vector["flags"]
            .as_array()
            .map(|flags| flags.iter().map(|flag| flag.as_str().unwrap()).collect())
            .unwrap_or_default();
        let expected = !flags.iter().any(|flag| refused.contains(flag));
        let message = vector["msg"].as_str().unwrap().as_bytes();
        let holds = verifies(&vector["key"], message, &vector["sig"]);
        assert_eq!(holds, expected, "vector {}: {flags:?}", vector["number"]);
        accepted += usize::from(holds);
    }
    assert_eq!(vectors.len(), 914);
    assert!(accepted > 0 && accepted < 500, "{accepted}");
}
