/** What keeps the service from starting. The message says what is wrong and what to do; it is for the operator's terminal. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
