import { randomUUID } from 'node:crypto';

/** A receipt handle that names its queue, so that another queue's is known for one. */
export function newReceiptHandle(queueName: string): string {
  return Buffer.from(`${queueName} ${randomUUID()}`).toString('base64');
}

/** Whether a text may be a receipt handle of a queue. */
export function isReceiptHandleOf(queueName: string, text: string): boolean {
  const [name, uuid] = Buffer.from(text, 'base64').toString('utf8').split(' ');
  return name === queueName && uuid?.length === 36;
}
