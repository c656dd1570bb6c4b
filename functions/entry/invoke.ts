import { startInvoke } from '../../lib/runtime.ts';
import { createHandler } from '../invoke.ts';

export const handler = createHandler(await startInvoke());
