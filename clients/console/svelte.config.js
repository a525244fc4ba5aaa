/** For svelte-check; vite.config.ts has the build. */
export default {};
