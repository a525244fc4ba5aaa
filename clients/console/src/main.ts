/** Begins the console. */
import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import App from "./App.svelte";
import { listen } from "./lib/router.svelte";
import { look } from "./lib/theme.svelte";

look.apply();
listen();
mount(App, { target: document.getElementById("app") as HTMLElement });
