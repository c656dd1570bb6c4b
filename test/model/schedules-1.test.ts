import { describe } from 'vitest';
import { keepsItsPromises } from '../helpers/queue-model/schedule-suite.ts';

describe('the queue door', () => {
  keepsItsPromises(0, 1000);
});
