// The least that a child process of Node can do: say that it is there.
process.send?.('there')
process.on('disconnect', () => process.exit(0))
