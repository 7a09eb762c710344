/**
 * What a plugin says about one key of the Secret: whether a call needs it, or the same with more to say.
 *
 * The host refuses a call without a required key (`InvalidArgument`, all missing keys at once), and hands a plugin
 * only the keys that it named.
 */
export type SecretKey =
  | 'required'
  | 'optional'
  | {
      required: boolean
      /** Older names under which the value may be found, tried in order. */
      aliases?: readonly string[]
      /** What it is for; shown by `mcm plugin show`. */
      description?: string
    }

/** The keys of the Secret that a plugin reads, by name. */
export type SecretKeys = Readonly<Record<string, SecretKey>>

/** Reads the values of the Secret that a plugin named. Values are never logged by the host. */
export interface SecretReader<Key extends string = string> {
  /** The bytes of a key, or of its first alias that is there; `undefined` without any. */
  bytes(key: Key): Uint8Array | undefined
  /**
   * The same as text (UTF-8), without white space at both ends, which hand-made Secrets often have.
   * `userData` is returned as it is. An absent key gives `''`, which cannot happen for a required one.
   */
  text(key: Key): string
  /** Whether a key, or one of its aliases, is there. */
  has(key: Key): boolean
}

/** Makes a {@link SecretReader} of the data of a Secret. The host does this for plugins; tests may do it too. */
export function secretReader<Key extends string>(
  keys: Readonly<Record<Key, SecretKey>>,
  data: Readonly<Record<string, Uint8Array>>,
): SecretReader<Key> {
  const bytes = (key: Key) => {
    const values = [key, ...aliasesOf(keys[key])].flatMap((name) => (Object.hasOwn(data, name) ? [data[name]] : []))
    // An empty value does not hide an alias that has one.
    return values.find((value) => value && value.length > 0) ?? values[0]
  }
  return {
    bytes,
    has: (key) => bytes(key) !== undefined,
    text(key) {
      const text = new TextDecoder().decode(bytes(key) ?? new Uint8Array())
      return key === 'userData' ? text : text.trim()
    },
  }
}

/** The aliases of a key, empty when it has none. */
export function aliasesOf(key: SecretKey | undefined): readonly string[] {
  return (typeof key === 'object' && key.aliases) || []
}

/** Whether a call needs a key. */
export function isRequired(key: SecretKey): boolean {
  return typeof key === 'object' ? key.required : key === 'required'
}
