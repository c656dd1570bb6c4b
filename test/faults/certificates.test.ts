import tls from 'node:tls';
import { generate } from 'selfsigned';
import { beforeAll, describe, expect } from 'vitest';
import { startFaultBed } from '../helpers/fault-bed.ts';
import { joins, startFaultyServer } from '../helpers/faulty-server.ts';
import { reliabilityTable } from '../helpers/reliability-table.ts';

const table = reliabilityTable("RongCloud's certificates");

describe('certificates', () => {
  let good: tls.TlsOptions;
  const bad = new Map<string, tls.TlsOptions>();
  beforeAll(async () => {
    const day = 24 * 3600 * 1000;
    const name = (value: string) => [{ name: 'commonName', value }];
    const from = { notBeforeDate: new Date(Date.now() - 10 * day), algorithm: 'sha256' };
    const authority = await generate(name('Test authority'), {
      ...from,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, critical: true },
      ],
    });
    const issue = async (host: string, options = {}) => {
      const { private: key, cert } = await generate(name(host), {
        ...from,
        ca: { key: authority.private, cert: authority.cert },
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
        ...options,
      });
      return { key, cert };
    };
    good = await issue('localhost');
    bad.set('is expired', await issue('localhost', { notAfterDate: new Date(Date.now() - day) }));
    bad.set('is for another name', await issue('api.example'));
    const own = await generate(name('localhost'), from);
    bad.set('is self-signed', { key: own.private, cert: own.cert });
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.cert]);
  });

  for (const fault of ['is self-signed', 'is expired', 'is for another name']) {
    table.row(`one domain's certificate ${fault}`, '200', async () => {
      const primary = await startFaultyServer(joins, bad.get(fault));
      const backup = await startFaultyServer(joins, good);
      const bed = await startFaultBed({ primaryUrl: primary.url, backupUrl: backup.url });
      const answer = await bed.post();
      expect([primary.seen.length, backup.seen.length]).toEqual([0, 1]);
      await Promise.all([bed.close(), primary.close(), backup.close()]);
      return answer;
    });
    table.row(`both domains' certificate ${fault}`, '503 UPSTREAM_UNREACHABLE, not_sent', async () => {
      const server = await startFaultyServer(joins, bad.get(fault));
      const bed = await startFaultBed({ primaryUrl: server.url, backupUrl: server.url });
      const answer = await bed.post();
      expect(server.seen).toEqual([]);
      await Promise.all([bed.close(), server.close()]);
      return answer;
    });
  }
});

table.matchesTheDocument();
