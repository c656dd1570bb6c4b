import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

// Makes the key pair of an app that signs its tokens itself: npm run keys

const { positionals } = parseArgs({ allowPositionals: true });
const [file = 'private-key.pem'] = positionals;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
try {
  // For its owner alone, and in no file's place.
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
} catch (error) {
  const code = error instanceof Error && 'code' in error ? error.code : error;
  console.error(
    code === 'EEXIST'
      ? `${file} exists already. Move it away, or name another file: npm run keys -- other.pem`
      : `${file} can't be written: ${code}`,
  );
  process.exit(1);
}
console.log(`# The public key, for stages.yml:
    jwks: { keys: [{ kty: ${kty}, crv: ${crv}, alg: ES256, use: sig, x: "${x}", y: "${y}" }] }

# The private key is in ${file}. Only your backend may have it: put it into a secret of that, and delete the file.
# aws secretsmanager create-secret --region us-east-1 --name my-backend/signing-key --secret-string file://${file}`);
