// A migration while it runs: its figures and its charts follow the news; the rest of the page is asked for anew.
(() => {
  "use strict";
  const state = document.getElementById("state");
  const job = state.dataset.job;
  const charts = document.getElementById("charts");
  const remaining = [[], [], []]; // s, bytes of memory, bytes of disks
  const rates = [[], [], []]; // s, bytes/s of the copy, bytes/s of the guest
  let first = null;
  let plots = [];

  const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const bytes = (value) => {
    let unit = 0;
    for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
    return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toPrecision(3)} ${UNITS[unit]}`;
  };
  const duration = (s) => (s < 10 ? `${s.toFixed(1)} s` : s < 120 ? `${s.toFixed(0)} s` : `${(s / 60).toFixed(0)} min`);

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power); // so that axes have round KiB, MiB, ...
  const drawn = (place, lines, unit) => {
    const ink = token("--pf-t--global--text--color--regular") || "#888";
    const axis = { stroke: ink, grid: { stroke: "#8885", width: 1 }, ticks: { stroke: "#8885" } };
    const options = {
      width: Math.max(place.clientWidth, 240),
      height: 180,
      scales: { x: { time: false } },
      legend: { live: false, markers: { width: 2 } },
      cursor: { show: false },
      axes: [
        { ...axis, values: (_, all) => all.map((each) => `${each} s`) },
        { ...axis, size: 80, incrs: STEPS, values: (_, all) => all.map((each) => bytes(each) + unit) },
      ],
      series: [{}, ...lines],
    };
    place.replaceChildren();
    return new uPlot(options, place === rateplace ? rates : remaining, place);
  };
  const leftplace = document.getElementById("remaining");
  const rateplace = document.getElementById("rates");
  const draw = () => {
    plots = [
      drawn(leftplace, [{ label: "memory", stroke: "#4394e5", width: 2 }, { label: "disks", stroke: "#9e4a06", width: 2 }], ""),
      drawn(rateplace, [{ label: "copy", stroke: "#4394e5", width: 2 }, { label: "guest writes", stroke: "#f0561d", width: 2 }], "/s"),
    ];
  };

  const add = (news) => {
    const now = news.progress;
    if (!now || now.phase === "starting") return;
    const at = Date.parse(news.at) / 1000;
    first ??= at;
    const last = remaining[0][remaining[0].length - 1];
    if (last !== undefined && at - first <= last) return; // told before
    const point = (rows, ...values) => values.forEach((value, row) => rows[row].push(value));
    point(remaining, at - first, now.remaining_bytes, now.disk_remaining_bytes);
    point(rates, at - first, now.rate_bytes_s, now.dirty_rate_bytes_s);
  };
  const show = () => {
    if (remaining[0].length === 0) return;
    if (charts.hidden) {
      charts.hidden = false;
      draw();
    } else {
      plots[0].setData(remaining);
      plots[1].setData(rates);
    }
  };
  const write = (name, text) => {
    const place = document.getElementById(name);
    if (place) place.textContent = text;
  };
  const figures = (now) => {
    const bar = document.getElementById("bar");
    if (!now || !bar) return;
    bar.value = now.percent;
    write("percent", `${now.percent.toFixed(0)} %`);
    write("phase", now.phase);
    write("round", now.round);
    write("eta", now.eta_s === null ? "time to go not known yet" : `${duration(now.eta_s)} to go`);
    document.getElementById("disks").replaceChildren(...now.disks.map((disk) => {
      const line = document.createElement("li");
      line.textContent = `${disk.disk}: ${bytes(disk.done_bytes)} of ${bytes(disk.total_bytes)}`;
      return line;
    }));
  };

  JSON.parse(document.getElementById("seen").textContent).forEach(add);
  show();
  document.addEventListener("vm:job", ({ detail }) => {
    if (detail.job !== job) return;
    const shown = state.querySelector("[data-state]").dataset;
    if (detail.state !== shown.state || (detail.outcome || "") !== shown.outcome) htmx.trigger(state, "changed");
    figures(detail.progress);
    add(detail);
    show();
  });
  addEventListener("theme", () => !charts.hidden && draw());
  let resized = 0;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => !charts.hidden && draw(), 200);
  });
})();
