import { createHash } from 'node:crypto';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { createRemoteJWKSet, jwtVerify } from 'jose';

// What people write: a secret cached for ever, the global fetch, no checks, one file.

const secrets = new SecretsManagerClient({});
const keys = createRemoteJWKSet(new URL(process.env.JWKS_URI ?? ''));
let secret: { appKey: string; appSecret: string } | undefined;

export const handler = async (event: APIGatewayProxyEventV2) => {
  try {
    const token = (event.headers.authorization ?? '').replace('Bearer ', '');
    const { payload } = await jwtVerify(token, keys, {
      issuer: process.env.JWT_ISSUER ?? '',
      audience: process.env.JWT_AUDIENCE ?? '',
    });
    const groupId = event.pathParameters?.groupId ?? '';
    const { userIds = [payload.sub] } = JSON.parse(event.body ?? '{}');
    if (!secret) {
      const { SecretString } = await secrets.send(
        new GetSecretValueCommand({ SecretId: process.env.RONGCLOUD_SECRET_ID ?? '' }),
      );
      secret = JSON.parse(SecretString ?? '');
    }
    const { appKey = '', appSecret = '' } = secret ?? {};
    const nonce = String(Math.floor(Math.random() * 1e15));
    const timestamp = String(Date.now());
    const form = new URLSearchParams({ groupId });
    for (const userId of userIds) form.append('userId', userId);
    const response = await fetch(`${process.env.RONGCLOUD_API_URLS}/group/join.json`, {
      method: 'POST',
      headers: {
        'App-Key': appKey,
        Nonce: nonce,
        Timestamp: timestamp,
        Signature: createHash('sha1')
          .update(appSecret + nonce + timestamp)
          .digest('hex'),
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: form.toString(),
    });
    const result: { code?: number } = Object(await response.json());
    if (result.code !== 200) return { statusCode: 502, body: JSON.stringify(result) };
    return { statusCode: 200, body: JSON.stringify({ groupId, joined: userIds }) };
  } catch (error) {
    console.error(error);
    return { statusCode: 500, body: JSON.stringify({ message: 'error' }) };
  }
};
