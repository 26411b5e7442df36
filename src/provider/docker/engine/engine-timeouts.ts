/** Timeouts of engine requests, in milliseconds. Every request has one: a promise of the client may never settle. */
export interface EngineTimeouts {
  /** A ping: readiness, and the check whether a silent engine is alive. */
  readonly pingMs: number
  /** Interval between pings of a watched engine. */
  readonly heartbeatMs: number
  /** Reads: list, inspect. */
  readonly readMs: number
  /** Creating and starting a container on a busy disk. */
  readonly createMs: number
  /** Stopping, including the engine's own grace period of ten seconds. */
  readonly stopMs: number
  /** A complete removal, including polling. */
  readonly removeMs: number
  /** Interval between polls of a removal in progress; also how long to wait for another process's create. */
  readonly pollMs: number
  /**
   * Until the first line of a pull. The engine writes that line once the registry has answered `/v2/`, so this covers
   * name resolution, connection and one round trip. The engine itself waits 15 s or more for a registry that drops
   * packets.
   */
  readonly registryMs: number
  /** Between two lines of a pull. */
  readonly stallMs: number
  /** A complete pull. */
  readonly pullMs: number
  /** One lifecycle command. */
  readonly commandMs: number
  /** Initial delay before reconnecting to a lost engine; doubles up to `reconnectMaxMs`. */
  readonly reconnectMs: number
  readonly reconnectMaxMs: number
}

export const defaultEngineTimeouts: EngineTimeouts = {
  pingMs: 2_000,
  heartbeatMs: 10_000,
  readMs: 15_000,
  createMs: 60_000,
  stopMs: 30_000,
  removeMs: 45_000,
  pollMs: 1_000,
  registryMs: 5_000,
  stallMs: 120_000,
  pullMs: 20 * 60_000,
  commandMs: 10 * 60_000,
  reconnectMs: 500,
  reconnectMaxMs: 5_000,
}
