/**
 * Node's texts about its permission model name a flag of its command line, which an author of a plugin cannot set. This
 * says instead which permission the manifest would have to ask for.
 */
export function explainDenial(text: string): string {
  return text.replaceAll(denial, (_, flag: string | undefined) => {
    const kind = flag && kindByFlag[flag]
    const remedy = kind
      ? `a plugin that needs it asks for "${kind}" under "mcm.permissions" in its package.json, and an operator may grant it under "pluginPolicy.grant"`
      : 'no permission allows it'
    return `ERR_ACCESS_DENIED: the sandbox does not allow this; ${remedy}`
  })
}

const denial =
  /(?:ERR_ACCESS_DENIED:? )?Access to this API has been restricted\.?(?: Use --allow-([a-z-]+) to manage permissions\.)?/g

const kindByFlag: Record<string, string> = {
  net: 'net',
  'fs-read': 'files',
  'fs-write': 'files',
  'child-process': 'programs',
  addons: 'addons',
}
