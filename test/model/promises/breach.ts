/** What the queue door promises. */
export type Promised =
  | 'no user is lost'
  | 'who can join has joined'
  | 'who is refused is dead-lettered'
  | 'a user ends in one place'
  | 'nobody is refused who could join'
  | 'an invalid message goes verbatim'
  | 'a dead letter says what it is about'
  | 'a rest is smaller'
  | 'nothing multiplies'
  | 'starts keep the rate'
  | 'the batch ends in time'
  | 'the newest name wins'
  | 'no name is lost';

/** A promise that was broken, and how. */
export interface Breach {
  promise: Promised;
  detail: string;
}
