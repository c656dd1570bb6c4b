import { startQueue } from '../../lib/runtime/queue.ts';
import { createHandler } from '../queue.ts';

export const handler = createHandler(await startQueue());
