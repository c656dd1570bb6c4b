import { World, type WorldOptions } from '../../tools/sim/world.ts';
import { createLedger, type QueueLedger } from './promises/ledger.ts';

/** A world that keeps account of its messages. */
export class QueueWorld extends World {
  readonly ledger: QueueLedger;

  constructor(options?: WorldOptions) {
    super(options);
    this.ledger = createLedger(this);
  }
}
