import { Readable } from 'node:stream';

/** Far more than any answer that this service asks for: a secret has at most 64 kB. */
const MAX_ANSWER_BYTES = 1_000_000;

/**
 * The codes of failures that AWS documents for what this service asks of it. An answer may hold any text as its code, what
 * was sent included: only these words are repeated.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
 */
const AWS_CODES: ReadonlySet<unknown> = new Set(
  `AccessDenied AccessDeniedException BatchRequestTooLong DecryptionFailure ExpiredToken ExpiredTokenException
  IncompleteSignature InternalError InternalException InternalFailure InternalServerError InternalServiceError
  InvalidAccountIdException InvalidAddress InvalidArgument InvalidClientTokenId InvalidMessageContents
  InvalidParameterException InvalidParameterValue InvalidRequestException InvalidSecurity InvalidSignatureException
  KmsAccessDenied KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired KmsThrottled
  LimitExceededException MalformedDetail MalformedHttpRequestException MessageNotInflight MissingAuthenticationToken
  MissingAuthenticationTokenException MissingParameter NotAuthorized NotAuthorizedForDetailTypeException
  NotAuthorizedForSourceException OptInRequired OverLimit QueueDoesNotExist ReceiptHandleIsInvalid RedactionFailure
  RequestAbortedException RequestExpired RequestThrottled RequestTimeoutException ResourceNotFoundException
  ServiceUnavailable ServiceUnavailableException SignatureDoesNotMatch Throttling ThrottlingException
  TooManyRequestsException UnknownOperationException UnrecognizedClientException UnsupportedOperation ValidationError
  ValidationException`.split(/\s+/),
);

/** The code of a failure as AWS's answer has it, if it is one of AWS's. */
export function awsCode(code: string | undefined): string {
  return code !== undefined && AWS_CODES.has(code) ? code : 'another code';
}

/** Stands between a step of a request and the next. */
type Middleware = <Args, Result>(next: (args: Args) => Promise<Result>) => (args: Args) => Promise<Result>;

/** The part of an AWS SDK client that lets others take part in its requests. */
interface AwsClient {
  middlewareStack: {
    add(middleware: Middleware, options: { step: 'initialize'; priority: 'high'; name: string }): void;
    add(middleware: Middleware, options: { step: 'deserialize'; priority: 'low'; name: string }): void;
  };
}

/** What this service sets of a client. */
interface ClientSettings {
  maxAttempts: number;
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: boolean };
}

/** A request, its second attempt and its answer's body included, may take this long: the limits end with the headers. */
export const REQUEST_MS = 4000;

/** The SDK has no time limits of its own: two attempts, a second for the connection and two for the answer's headers. */
export function clientSettings(requestTimeoutMs = 2000): ClientSettings {
  return {
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
  };
}

/**
 * Makes a client of the AWS SDK read no endless answer, and throw nothing that quotes an answer: the SDK's own errors do,
 * and Secrets Manager's answers hold the secret.
 */
export function harden<Client extends AwsClient>(client: Client): Client {
  const { middlewareStack: stack } = client;
  stack.add(withoutMessages, { step: 'initialize', priority: 'high', name: 'withoutMessages' });
  stack.add(boundAnswers, { step: 'deserialize', priority: 'low', name: 'boundAnswers' });
  return client;
}

/** Outside of all else that the SDK does for a request, its retries included. */
const withoutMessages: Middleware = (next) => async (args) => {
  try {
    return await next(args);
  } catch (error) {
    throw describeAwsFailure(error);
  }
};

/** Next to the connection: the SDK gets the whole answer, and no stream. */
const boundAnswers: Middleware = (next) => async (args) => {
  const result = await next(args);
  const response = property(result, 'response');
  const body = property(response, 'body');
  if (response instanceof Object && body instanceof Readable) Object.assign(response, { body: await readAll(body) });
  return result;
};

async function readAll(answer: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw Object.assign(new Error(), { name: 'AnswerTooLarge' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What is known of a failure by name: an error's kind, its HTTP status and AWS's id of the request. */
function describeAwsFailure(failure: unknown): Error {
  const metadata = property(failure, '$metadata');
  const code = property(failure, 'code');
  const name = property(failure, 'name');
  const status = property(metadata, 'httpStatusCode');
  const requestId = property(metadata, 'requestId');
  // The SDK gives what an answer calls itself as the error's name and code, and marks such errors with `$fault`.
  const answered = property(failure, '$fault') !== undefined;
  const facts = [
    // A code of Node's, such as ECONNREFUSED.
    ...(!answered && typeof code === 'string' && /^[A-Z_\d]{2,40}$/.test(code) ? [code] : []),
    ...(typeof status === 'number' ? [`status ${status}`] : []),
    ...(typeof requestId === 'string' && /^[\da-f-]{1,64}$/i.test(requestId) ? [`request ${requestId}`] : []),
  ];
  const described = new Error(facts.join(', ') || 'no answer');
  const isWord = typeof name === 'string' && (answered ? AWS_CODES.has(name) : /^[A-Za-z]\w{0,63}$/.test(name));
  described.name = isWord ? name : 'Error';
  return Object.assign(described, { status, attempts: property(metadata, 'attempts') });
}

/** Whether AWS refused a request whose failure is described here: then it was not carried out, at the only attempt. */
export function isClearNo(described: unknown): boolean {
  const status = property(described, 'status');
  return typeof status === 'number' && status >= 400 && status < 500 && property(described, 'attempts') === 1;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
