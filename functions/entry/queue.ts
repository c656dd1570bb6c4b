import { startQueue } from '../../lib/runtime.ts';
import { createHandler } from '../queue.ts';

export const handler = createHandler(await startQueue());
