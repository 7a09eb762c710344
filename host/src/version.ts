import packageJson from '../package.json' with { type: 'json' }

/** Version of the host. */
export const hostVersion: string = packageJson.version
