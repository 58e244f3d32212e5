/** A result as the server sends it. */
export interface Result<R> {
  data?: R | null;
  errors?: readonly GraphQLError[];
}

interface GraphQLError {
  message: string;
  extensions?: Record<string, unknown>;
}

/** A GraphQL error. docs/errors.md has the codes. */
export class TicketingError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly retryAfterSeconds: number,
  ) {
    super(`${code}: ${message}`);
  }

  static of({ message, extensions }: GraphQLError): TicketingError {
    return new TicketingError(message, String(extensions?.['code']), Number(extensions?.['retryAfterSeconds'] ?? 0));
  }
}

/** Something that the customer can correct; field is the path in the input. */
export interface UserError {
  code: string;
  message: string;
  field?: readonly string[] | null;
}

/** Why a mutation was refused. There may be data beside it: a declined payment has the payment. */
export class UserErrors extends Error {
  constructor(
    readonly errors: readonly UserError[],
    readonly data: unknown,
  ) {
    super(errors.map((error) => `${error.code}: ${error.message}`).join('; '));
  }
}

/** The outcome of a request is unknown: the connection failed, or a proxy responded. */
export class NoResponse extends Error {}

/** Returns the data of a result, or throws why there is none. */
export function read<R>(result: Result<R>): R {
  const first = result.errors?.[0];
  if (first) throw TicketingError.of(first);
  if (result.data === undefined || result.data === null) throw new NoResponse('not a GraphQL response');
  for (const field of Object.values(result.data) as ({ userErrors?: UserError[] } | null)[]) {
    if (field?.userErrors?.length) throw new UserErrors(field.userErrors, result.data);
  }
  return result.data;
}

const passingCodes = ['RATE_LIMITED', 'UNAVAILABLE', 'READ_BEHIND', 'GATEWAY_UNAVAILABLE'];

/** Returns how many milliseconds to wait before a retry, undefined if a retry would not help. The server knows best. */
export function pauseAfter(err: unknown, attempt: number): number | undefined {
  const backoff = Math.min(2000, 100 * 2 ** attempt);
  if (err instanceof NoResponse) return backoff;
  const code = err instanceof UserErrors ? err.errors[0]?.code : err instanceof TicketingError ? err.code : '';
  if (!passingCodes.includes(code ?? '')) return undefined;
  return Math.max(backoff, err instanceof TicketingError ? err.retryAfterSeconds * 1000 : 0);
}

export const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
