import validatePackageName from 'validate-npm-package-name'

/** What a new plugin is called. */
export interface Names {
  /** Of the cloud, in lower case: part of providerIDs and of the names of samples. */
  cloud: string
  /** Of the npm package. */
  package: string
  /** What `MachineClass.provider` says. */
  provider: string
  /** Who holds the copyright. */
  author: string
}

/** The names that follow from a cloud's. */
export function defaultNames(cloud: string, author = `the authors of mcm-plugin-${cloud}`): Names {
  return { cloud, package: `mcm-plugin-${cloud}`, provider: cloud, author }
}

/** What is wrong with a name, or `undefined`. */
export const problemOf: { [Key in keyof Names]: (name: string) => string | undefined } = {
  // The scheme of a URL, and the name of a Kubernetes object.
  cloud: (name) =>
    /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)
      ? undefined
      : `the name ${JSON.stringify(name)} must be 1 to 40 of a-z, 0-9 and "-", begin with a letter and not end with "-"`,
  package: (name) => {
    const { validForNewPackages, errors = [], warnings = [] } = validatePackageName(name)
    if (validForNewPackages) return undefined
    return `npm takes no package ${JSON.stringify(name)}: ${[...errors, ...warnings].join(', ')}`
  },
  // As the host wants it.
  provider: (name) =>
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)
      ? undefined
      : `the provider name ${JSON.stringify(name)} must be 1 to 63 of A-Z, a-z, 0-9, "-", "_", ".", and begin with a letter or digit`,
  author: (name) => (/^[^\p{Cc}]+$/u.test(name) ? undefined : 'the author must be one line of text'),
}
