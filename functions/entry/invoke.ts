import { startInvoke } from '../../lib/runtime/invoke.ts';
import { createHandler } from '../invoke.ts';

export const handler = createHandler(await startInvoke());
