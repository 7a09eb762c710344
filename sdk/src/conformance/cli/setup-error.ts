/** The driver could not be judged, since something about the judging is wrong. The message is for whoever set it up. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}
