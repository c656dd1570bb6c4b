import { startHttp } from '../../lib/runtime.ts';
import { createHandler } from '../http.ts';

export const handler = createHandler(await startHttp());
