import { startHttp } from '../../lib/runtime/http.ts';
import { createHandler } from '../http.ts';

export const handler = createHandler(await startHttp());
