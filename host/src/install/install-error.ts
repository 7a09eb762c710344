/** A plugin that could not be installed, changed or trusted, in words for the person who asked for it. */
export class InstallError extends Error {
  override readonly name = 'InstallError'
}

/** What a thrown value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The system's code of an error, such as `ENOENT`. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
