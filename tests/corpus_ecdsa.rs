//! Published ECDSA vectors, judged by the rule that `signing` declares.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/peer.rs"]
mod peer;

use std::fs;

use data_encoding::HEXLOWER;
use git_docket::signing::PublicKey;
use serde_json::Value;

#[test]
fn wycheproof() {
    let Some(corpus) = peer::corpus("wycheproof") else {
        return;
    };
    let hex = |value: &Value| HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
    for name in [
        "ecdsa_secp256r1_sha256_test",
        "ecdsa_secp256r1_sha256_p1363_test",
        "ecdsa_secp384r1_sha384_test",
        "ecdsa_secp384r1_sha384_p1363_test",
    ] {
        let file = corpus.join(format!("testvectors_v1/{name}.json"));
        let vectors: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in vectors["testGroups"].as_array().unwrap() {
            // Every key of the file is one that can be enrolled: what is judged is the signatures.
            let key = PublicKey::from_spki_der(&hex(&group["publicKeyDer"])).unwrap();
            let pem = group["publicKeyPem"].as_str().unwrap();
            assert_eq!(PublicKey::from_pem(pem), Ok(key.clone()));
            for test in group["tests"].as_array().unwrap() {
                let holds = key.verify(&hex(&test["msg"]), &hex(&test["sig"])).is_ok();
                match test["result"].as_str().unwrap() {
                    "valid" => valid += 1,
                    "invalid" => invalid += 1,
                    other => panic!("{other}"),
                }
                let expected = test["result"] == "valid";
                assert_eq!(holds, expected, "{name}, test {}", test["tcId"]);
            }
        }
        assert_eq!(valid + invalid, vectors["numberOfTests"].as_i64().unwrap());
        assert!(valid > 50 && invalid > 50, "{name}: {valid}, {invalid}");
    }
}
