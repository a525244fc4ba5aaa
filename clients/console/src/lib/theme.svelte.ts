/** Light, dark, or as the system has it. */
import { load, save } from "./stored";

export type Theme = "system" | "light" | "dark";

class Look {
  theme = $state<Theme>(load<Theme>("theme", "system"));

  apply(): void {
    const { documentElement } = document;
    if (this.theme === "system") delete documentElement.dataset["theme"];
    else documentElement.dataset["theme"] = this.theme;
  }

  set(theme: Theme): void {
    this.theme = theme;
    save("theme", theme === "system" ? undefined : theme);
    this.apply();
  }
}

export const look = new Look();
