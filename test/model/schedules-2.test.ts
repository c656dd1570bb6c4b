import { describe } from 'vitest';
import { keepsItsPromises } from './schedule-suite.ts';

describe('the queue door', () => {
  keepsItsPromises(1000, 1000);
});
