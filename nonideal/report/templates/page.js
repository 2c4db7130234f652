"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("runs");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Theme: the system's, until the reader chooses.
  const remembered = {
    get() { try { return localStorage.getItem("nonideal-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("nonideal-theme", value); } catch { /* a page without storage forgets */ } },
  };
  if (["light", "dark"].includes(remembered.get())) root.dataset.theme = remembered.get();
  const theme = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");

  // Colours are named in the data; figures get those of the page as it is now.
  const css = name => getComputedStyle(root).getPropertyValue(name).trim();
  const painted = value => {
    if (typeof value === "string") {
      const named = /^var\((--[\w-]+)\)$/.exec(value);
      return named ? css(named[1]) : value;
    }
    if (Array.isArray(value)) return value.map(painted);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, painted(inner)]));
    return value;
  };
  const merged = (below, above) => {
    const found = { ...below };
    for (const [key, value] of Object.entries(above ?? {}))
      found[key] = value && typeof value === "object" && !Array.isArray(value) ? merged(found[key], value) : value;
    return found;
  };
  const look = layout => {
    const axis = {
      gridcolor: "var(--grid)", linecolor: "var(--muted)", tickcolor: "var(--muted)", zeroline: false, showline: true,
      ticks: "outside", ticklen: 4, automargin: true, title: { standoff: 8, font: { size: 12 } }, tickfont: { size: 11 },
    };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true, hovermode: "closest",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "var(--ink)" },
      margin: { l: 52, r: 12, t: 30, b: 44 },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11 }, bgcolor: "rgba(0,0,0,0)" },
      hoverlabel: { bgcolor: "var(--paper)", bordercolor: "var(--muted)", font: { color: "var(--ink)", size: 12 } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "var(--muted)", activecolor: "var(--ink)" },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter(key => /^[xy]axis\d*$/.test(key))]);
    for (const key of axes) base[key] = axis;
    return painted(merged(base, layout));
  };
  const tools = {
    responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    toImageButtonOptions: { format: "svg" },
  };

  // plotly.js lies packed in the page; it is unpacked when the first figure comes near the screen.
  let library;
  const plotly = () => library ??= (async () => {
    const packed = document.getElementById("plotly-packed").textContent;
    const bytes = Uint8Array.from(atob(packed), letter => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return window.Plotly;
  })();

  const panelOf = figure => {
    const panel = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const places = [...figure.querySelectorAll(".chart")];
    const selects = [...figure.querySelectorAll("select")];
    const count = Object.values(panel.rows)[0]?.length ?? 0;
    let shown = false;

    const chosen = () => selects.filter(select => select.value !== "").map(select => [select.dataset.column, select.value]);
    const agrees = (what, wanted) => wanted.every(([column, value]) => !(column in what) || String(what[column]) === value);
    const rowsOf = where => {
      const wanted = [...Object.entries(where).map(([column, value]) => [column, String(value)]), ...chosen()]
        .filter(([column]) => column in panel.rows);
      const found = [];
      for (let row = 0; row < count; row++)
        if (wanted.every(([column, value]) => String(panel.rows[column][row]) === value)) found.push(row);
      return found;
    };
    const drawn = ({ draw, where, of, ...trace }) => {
      if (of && !agrees(of, chosen())) trace.visible = false;
      if (!draw) return trace;
      const rows = rowsOf(where ?? {});
      for (const [attribute, column] of Object.entries(draw))
        trace[attribute] = Array.isArray(column)
          ? rows.map(row => column.map(one => panel.rows[one][row]))
          : rows.map(row => panel.rows[column][row]);
      return trace;
    };
    const told = () => {
      const output = figure.querySelector("output");
      if (!output || !panel.summary) return;
      const groups = new Map();
      for (const row of rowsOf({})) {
        const value = panel.rows[panel.summary][row];
        if (value === null) continue;
        const group = groups.get(panel.rows.mapping[row]) ?? [0, 0];
        groups.set(panel.rows.mapping[row], [group[0] + 1, group[1] + value * value]);
      }
      const parts = [...groups].map(([name, [n, squares]]) => `${name} ${Math.sqrt(squares / n).toPrecision(3)} ns rms (${n})`);
      output.textContent = parts.length ? parts.join("  ·  ") : "no spike to compare";
    };
    const draw = async () => {
      const Plotly = await plotly();
      await Promise.all(panel.charts.map((chart, k) => {
        const traces = chart.traces.map(drawn);
        // A chart whose every row is filtered away goes.
        places[k].parentElement.hidden = chart.traces.every(trace => trace.draw) && traces.every(trace => !trace.x.length);
        return Plotly.react(places[k], painted(traces), look({ uirevision: "kept", ...chart.layout }), tools);
      }));
      for (const place of shown ? [] : places)
        place.on("plotly_click", ({ points }) => {
          const sample = selects.find(select => select.dataset.column === "sample");
          const found = points[0]?.customdata?.[0];
          if (!sample || found === undefined) return;
          sample.value = sample.value === String(found) ? "" : String(found);
          redraw();
        });
      shown = true;
      figure.dataset.drawn = "";
    };
    const redraw = () => { told(); return draw(); };
    for (const select of selects) select.addEventListener("change", redraw);
    figure.querySelector(".reset")?.addEventListener("click", () => {
      for (const select of selects)
        select.selectedIndex = Math.max(0, [...select.options].findIndex(option => option.defaultSelected));
      redraw();
    });
    told();
    return { show: () => (shown ? undefined : draw()), repaint: () => (shown ? draw() : undefined) };
  };

  const failed = (figure, error) => {
    const note = document.createElement("p");
    note.className = "missing";
    note.textContent = `This figure could not be drawn (${error.message}). It needs a browser of 2023 or later.`;
    figure.querySelector(".charts").replaceWith(note);
  };

  addEventListener("DOMContentLoaded", () => {
    const panels = new Map([...document.querySelectorAll("figure.panel")].map(figure => [figure, panelOf(figure)]));
    const show = figure => Promise.resolve(panels.get(figure).show()).catch(error => failed(figure, error));
    const near = new IntersectionObserver(entries => {
      for (const { target, isIntersecting } of entries)
        if (isIntersecting) { near.unobserve(target); show(target); }
    }, { rootMargin: "600px" });
    for (const figure of panels.keys()) near.observe(figure);

    const button = document.getElementById("theme");
    const follow = () => {
      button.textContent = theme() === "dark" ? "Light" : "Dark";
      button.title = `Show the page in ${theme() === "dark" ? "light" : "dark"} colours`;
      for (const panel of panels.values()) panel.repaint();
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = theme() === "dark" ? "light" : "dark";
      remembered.set(root.dataset.theme);
      follow();
    });
    dark.addEventListener("change", follow);
    follow();

    const menu = document.querySelector(".menu");
    menu.addEventListener("click", event => { if (event.target.closest("a")) menu.open = false; });
    const links = [...document.querySelectorAll("aside nav a")];
    const sections = links.map(link => document.getElementById(link.hash.slice(1)));
    const here = () => {
      const last = sections.filter(section => section.getBoundingClientRect().top < 120).pop();
      links.forEach((link, k) => link.classList.toggle("here", sections[k] === last));
    };
    addEventListener("scroll", here, { passive: true });
    here();

    addEventListener("beforeprint", () => {
      for (const folded of document.querySelectorAll("details.table")) folded.open = true;
    });
  });
})();
