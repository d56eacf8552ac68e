// Judges bundles with npm's @sigstore/verify: one JSON object a line in, one a line out.
//
// In:  {"bundle": text, "roots": object or null, "artifact": base64, "key": base64 of its DER or null, "entries": number,
//      "timestamps": number, "identity": text or null, "issuer": text or null}
// Out: {"identity": text, "issuer": text}, or {"refused": why}
//
// Run with the folder of the packages as NODE_PATH.
const { toSignedEntity, toTrustMaterial, Verifier } = require('@sigstore/verify');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');

function judge(asked) {
  const keys = asked.key && (() => ({
    publicKey: require('crypto').createPublicKey({ key: Buffer.from(asked.key, 'base64'), format: 'der', type: 'spki' }),
    validFor: () => true,
  }));
  const none = { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] };
  const material = toTrustMaterial(asked.roots ? TrustedRoot.fromJSON(asked.roots) : none, keys || undefined);
  const verifier = new Verifier(material, { tlogThreshold: asked.entries, timestampThreshold: asked.timestamps });
  const policy = asked.identity
    ? { subjectAlternativeName: asked.identity, extensions: { issuer: asked.issuer } }
    : undefined;
  const entity = toSignedEntity(bundleFromJSON(JSON.parse(asked.bundle)), Buffer.from(asked.artifact, 'base64'));
  const { identity } = verifier.verify(entity, policy);
  return { identity: identity?.subjectAlternativeName, issuer: identity?.extensions?.issuer };
}

const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter((line) => line);
for (const line of lines) {
  let verdict;
  try {
    verdict = judge(JSON.parse(line));
  } catch (error) {
    verdict = { refused: `${error.code ?? error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(verdict));
}
