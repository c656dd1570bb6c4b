import type { JoinError } from '../errors.ts';
import type { AppCredentials } from './signature.ts';

/** Where a call gets the app's credentials. Neither method throws. */
export interface CredentialSource {
  get(): AppCredentials | Promise<AppCredentials | JoinError>;
  /** Other credentials than those RongCloud refused, or undefined if there are none. */
  replace(refused: AppCredentials): Promise<AppCredentials | undefined>;
}
