import assert from "node:assert/strict";
import {
  formatHostPort,
  isCoveredBy,
  isLoopback,
  normaliseHost,
  parseHostPort,
  reachableAddresses,
} from "../../cluster/address.ts";
import { advertisedAddresses } from "../../cluster/advertised.ts";
import { Problem } from "../../cluster/errors.ts";

Deno.test("parseHostPort() reads names, IPv4 and IPv6, with and without a port", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["hall", "hall", 2254],
    ["hall.local:5300", "hall.local", 5300],
    ["192.168.1.20", "192.168.1.20", 2254],
    ["192.168.1.20:1", "192.168.1.20", 1],
    ["fd77::10", "fd77::10", 2254],
    ["[fd77::10]:5300", "fd77::10", 5300],
    ["[::ffff:10.0.0.1]:9", "10.0.0.1", 9],
  ];
  for (const [text, host, port] of cases) {
    assert.deepEqual(parseHostPort(text, 2254), { host, port }, text);
  }
});

Deno.test("parseHostPort() refuses everything else", () => {
  for (const text of ["", ":", ":80", "a:b", "a:0", "a:70000", "a b:1", "[fd77::10", "[]:1"]) {
    assert.throws(() => parseHostPort(text, 2254), Problem, text);
  }
});

Deno.test("formatHostPort() is read back by parseHostPort()", () => {
  for (const address of [{ host: "a.b", port: 1 }, { host: "fd77::1", port: 65_535 }]) {
    assert.deepEqual(parseHostPort(formatHostPort(address), 2), address);
  }
});

Deno.test("normaliseHost() makes dual-stack addresses plain", () => {
  assert.equal(normaliseHost("::FFFF:1.2.3.4"), "1.2.3.4");
  assert.equal(normaliseHost("FD77::A"), "fd77::a");
});

Deno.test("isLoopback() knows loopback in both families and nothing else", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"]) {
    assert.equal(isLoopback(host), true, host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.example.org", "hall"]) {
    assert.equal(isLoopback(host), false, host);
  }
});

Deno.test("isCoveredBy() knows what a bound socket receives", () => {
  assert.equal(isCoveredBy("10.0.0.1", "0.0.0.0"), true);
  assert.equal(isCoveredBy("fd77::1", "0.0.0.0"), false);
  assert.equal(isCoveredBy("fd77::1", "::"), true);
  assert.equal(isCoveredBy("10.0.0.1", "::"), true);
  assert.equal(isCoveredBy("10.0.0.1", "10.0.0.2"), false);
});

function networkInterface(name: string, address: string): Deno.NetworkInterfaceInfo {
  const family = address.includes(":") ? "IPv6" : "IPv4";
  return {
    name,
    address,
    family,
    netmask: "255.255.255.0",
    scopeid: null,
    cidr: `${address}/24`,
    mac: "00:00:00:00:00:00",
  } as Deno.NetworkInterfaceInfo;
}

const INTERFACES = [
  networkInterface("lo", "127.0.0.1"),
  networkInterface("eth0", "192.168.1.20"),
  networkInterface("eth0", "fe80::1"),
  networkInterface("eth0", "fd77::20"),
  networkInterface("docker0", "172.17.0.1"),
  networkInterface("veth12ab", "10.9.9.9"),
  networkInterface("wlan0", "169.254.3.4"),
];

Deno.test("reachableAddresses() leaves out loopback, link-local and virtual interfaces", () => {
  const addresses = reachableAddresses(INTERFACES).map(({ address }) => address);
  assert.deepEqual(addresses, ["192.168.1.20", "fd77::20"]);
});

Deno.test("advertisedAddresses() tells what was given, else what is bound, else all", () => {
  const given = ["home.example.org:2254"];
  assert.deepEqual(advertisedAddresses(given, "0.0.0.0", 5300, INTERFACES), given);
  assert.deepEqual(advertisedAddresses([], "127.0.0.1", 5300, INTERFACES), ["127.0.0.1:5300"]);
  assert.deepEqual(advertisedAddresses([], "0.0.0.0", 5300, INTERFACES), ["192.168.1.20:5300"]);
  assert.deepEqual(advertisedAddresses([], "::", 5300, INTERFACES), [
    "192.168.1.20:5300",
    "[fd77::20]:5300",
  ]);
  assert.deepEqual(advertisedAddresses([], "0.0.0.0", 5300, []), []);
});
