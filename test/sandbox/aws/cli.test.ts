import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLocalSecrets } from '../../helpers/local-secrets.ts';
import { type LocalSqs, startLocalSqs } from '../../helpers/local-sqs.ts';
import { awsClis, createShell } from '../../helpers/printed-commands.ts';

// Older CLIs speak with SQS in the query protocol, newer ones in JSON.
const CLIS = awsClis();
it.runIf(process.env.REQUIRE_AWS_CLI === '1')('has an AWS CLI to try', () => {
  expect(CLIS).not.toEqual([]);
});

describe.each(CLIS)('the AWS CLI $version', (cli) => {
  const shell = createShell(cli, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_MAX_ATTEMPTS: '1',
  });
  const aws = async (command: string) => {
    const { status, stdout, stderr } = await shell.run(`aws ${command}`);
    return { status, stderr, out: stdout === '' ? {} : JSON.parse(stdout) };
  };

  describe('with the stand-in SQS', () => {
    let sqs: LocalSqs;
    beforeEach(async () => {
      sqs = await startLocalSqs();
    });
    afterEach(() => sqs.close());
    const call = (command: string) => aws(`--endpoint-url ${sqs.aws.url} sqs ${command}`);
    const onQueue = (operation: string, rest = '') => call(`${operation} --queue-url ${sqs.QueueUrl} ${rest}`);
    const entries = (list: object[]) => `--entries '${JSON.stringify(list)}'`;

    it('finds queues', { timeout: 60_000 }, async () => {
      expect((await call('list-queues')).out.QueueUrls).toEqual([sqs.QueueUrl, sqs.QueueUrl.replace('joins', 'dead')]);
      expect((await call('list-queues --queue-name-prefix dea')).out.QueueUrls).toHaveLength(1);
      expect((await call('get-queue-url --queue-name joins')).out).toEqual({ QueueUrl: sqs.QueueUrl });
      expect((await call('get-queue-url --queue-name none')).stderr).toContain('NonExistentQueue');
      const { Attributes } = (await onQueue('get-queue-attributes', '--attribute-names All')).out;
      expect(Attributes).toMatchObject({ QueueArn: sqs.queue.arn, VisibilityTimeout: '1' });
      expect(JSON.parse(Attributes.RedrivePolicy)).toEqual({ deadLetterTargetArn: sqs.dead.arn, maxReceiveCount: 3 });
    });

    it('sends, receives, hides and deletes in batches', { timeout: 60_000 }, async () => {
      const code = { DataType: 'String', StringValue: '<X>' };
      const sent = await onQueue(
        'send-message-batch',
        entries([
          { Id: 'a', MessageBody: '<é&"😀>', MessageAttributes: { code } },
          { Id: 'b', MessageBody: 'b', DelaySeconds: 901 },
          { Id: 'c', MessageBody: 'c' },
        ]),
      );
      expect(sent.out.Successful.map(({ Id }: { Id: string }) => Id)).toEqual(['a', 'c']);
      expect(sent.out.Failed).toMatchObject([{ Id: 'b', Code: 'InvalidParameterValue', SenderFault: true }]);
      const received = await onQueue(
        'receive-message',
        '--max-number-of-messages 10 --wait-time-seconds 1 --attribute-names All --message-attribute-names All',
      );
      const [first, second] = received.out.Messages;
      expect(first).toMatchObject({ Body: '<é&"😀>', MessageAttributes: { code } });
      expect(first.MD5OfMessageAttributes).toBe(sent.out.Successful[0].MD5OfMessageAttributes);
      expect(second).toMatchObject({ Body: 'c', Attributes: { ApproximateReceiveCount: '1' } });
      const handles = [first.ReceiptHandle, 'junk'].map((ReceiptHandle, i) => ({ Id: `${i}`, ReceiptHandle }));
      const hidden = handles.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
      expect((await onQueue('change-message-visibility-batch', entries(hidden))).out).toMatchObject({
        Successful: [{ Id: '0' }],
        Failed: [{ Id: '1', Code: 'ReceiptHandleIsInvalid' }],
      });
      expect(sqs.queue.counts).toMatchObject({ ready: 1, hidden: 1 });
      const last = [{ Id: '0', ReceiptHandle: second.ReceiptHandle }];
      expect((await onQueue('delete-message-batch', entries(last))).out).toMatchObject({ Successful: [{ Id: '0' }] });
      expect(sqs.queue.bodies()).toEqual(['<é&"😀>']);
    });

    it('changes, deletes and purges', { timeout: 60_000 }, async () => {
      sqs.queue.send('a');
      const handle = sqs.queue.receive(1)[0]?.receiptHandle ?? '';
      const hide = `--receipt-handle ${handle} --visibility-timeout 600`;
      expect((await onQueue('change-message-visibility', hide)).status).toBe(0);
      sqs.clock.ms += 599_000;
      expect(sqs.queue.counts.hidden).toBe(1);
      expect((await onQueue('delete-message', `--receipt-handle ${handle}`)).status).toBe(0);
      expect(sqs.queue.bodies()).toEqual([]);
      expect((await onQueue('delete-message', '--receipt-handle junk')).stderr).toContain('ReceiptHandleIsInvalid');
      sqs.queue.send('b');
      expect((await onQueue('purge-queue')).status).toBe(0);
      expect(sqs.queue.bodies()).toEqual([]);
    });
  });

  it('looks at the versions of a secret', { timeout: 60_000 }, async () => {
    const server = await startLocalSecrets(new Map([['rongcloud/app', 'first']]));
    const call = (command: string) =>
      aws(`--endpoint-url ${server.url} secretsmanager ${command} --secret-id rongcloud/app`);
    const { VersionId } = (await call('put-secret-value --secret-string second')).out;
    const { VersionIdsToStages } = (await call('describe-secret')).out;
    expect(VersionIdsToStages[VersionId]).toEqual(['AWSCURRENT']);
    expect((await call('get-secret-value --version-stage AWSPREVIOUS')).out.SecretString).toBe('first');
    expect((await call('list-secret-version-ids')).out.Versions).toHaveLength(2);
    await server.close();
  });
});
