// As much as we use of npm's own modules, which bring no types.

declare module '@npmcli/config' {
  export default class Config {
    constructor(options: {
      npmPath: string
      cwd: string
      env: NodeJS.ProcessEnv
      argv: readonly string[]
      definitions: unknown
      shorthands: unknown
      flatten: unknown
      nerfDarts: unknown
      warn: boolean
    })
    load(): Promise<void>
    /** All settings, in the form that npm's other modules want. */
    readonly flat: Readonly<Record<string, unknown>>
  }
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const settings: { definitions: unknown; shorthands: unknown; flatten: unknown; nerfDarts: unknown }
  export default settings
}

declare module 'npm-registry-fetch' {
  const fetch: {
    json(path: string, options: Readonly<Record<string, unknown>>): Promise<unknown>
  }
  export default fetch
}
