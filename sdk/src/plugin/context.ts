/** Writes structured log lines. Secrets of the call are blacked out by the host. */
export interface Logger {
  /** What only an author wants to know; hosts hide it by default. */
  debug(message: string, fields?: Record<string, unknown>): void
  /** What an operator may want to know. */
  info(message: string, fields?: Record<string, unknown>): void
  /** What went wrong and was coped with. */
  warn(message: string, fields?: Record<string, unknown>): void
  /** What went wrong and needs somebody. An error that a method throws is logged by the host. */
  error(message: string, fields?: Record<string, unknown>): void
}

/** What each call of a plugin's method gets beside its request. */
export interface CallContext {
  /**
   * Aborts when the call's deadline has passed, when the caller has gone, or when the host stops. Hand it to everything
   * that waits. What happens after the abort is still awaited: only then may the next changing call for the machine run.
   */
  readonly signal: AbortSignal
  /** When {@link CallContext.signal} will abort because of the deadline, in milliseconds since the epoch. Always set. */
  readonly deadlineMs: number
  /** Logs with the call's method and machine. */
  readonly logger: Logger
  /**
   * Keeps one logged-in client per key for later calls of this plugin, so that each call need not log in again.
   *
   * Concurrent calls with the same key share one `make`; each waits for it until its own signal aborts. A failed `make`
   * is not kept: its callers get the error, and the next call makes anew. A client that has not been used for ten
   * minutes is disposed, and so are all when the plugin stops.
   *
   * @param key What tells clients apart: credentials, region, endpoint. Kept as a hash only.
   * @param make Makes the client. Its own signal, not that of the call, since others wait too, aborts after 30 seconds,
   *   when no call waits any more, and when the plugin stops, but not once the client is made.
   * @param dispose Releases it. A failure is ignored.
   * @example
   * const acme = await client([spec.endpoint, token], (signal) => Acme.login(spec.endpoint, token, { signal }))
   */
  client<T>(
    key: string | readonly string[],
    make: (signal: AbortSignal) => T | Promise<T>,
    dispose?: (client: T) => void | Promise<void>,
  ): Promise<T>
  /**
   * Sends one request to the cloud's API and has the host count it: how many of a service, how many failed, how long the
   * others took. They become upstream's metrics `mcm_cloud_api_*`. Answers what `send` answers and fails as it fails.
   *
   * @param service What is asked for, for example `ec2.RunInstances`. A fixed set of names, without ids in them, since
   *   each becomes a time series: the host keeps the first 200 of a provider and counts the rest as `other`.
   * @param send Sends the request. One that rejects counts as failed.
   * @example
   * const vm = await cloudRequest('vm.get', () => acme.getVm(id, { signal }))
   */
  cloudRequest<T>(service: string, send: () => T | Promise<T>): Promise<T>
}
