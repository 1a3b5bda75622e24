import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, test } from 'node:test';
import { layoutOf, MAX_HOSTS, SLOT_COUNT, slotOfName } from './layout.ts';

const layouts = Array.from({ length: SLOT_COUNT }, (_, slot) => layoutOf(slot));

describe('the layout of a slot', () => {
  test('keeps every address inside 198.18.0.0/15', () => {
    const reserved = new BlockList();
    reserved.addSubnet('198.18.0.0', 15);
    for (const layout of layouts) {
      const addresses = [
        layout.gateway,
        layout.clientAddress,
        ...layout.containerRange.split('-'),
        layout.host(MAX_HOSTS - 1).address,
      ];
      for (const address of addresses) assert.ok(reserved.check(address), address);
    }
    assert.equal(layoutOf(0).gateway, '198.18.0.1');
    assert.equal(layoutOf(1).containerRange, '198.18.17.1-198.18.31.254');
    assert.equal(layoutOf(31).host(0).address, '198.19.240.11');
  });

  test('shares no name, address or port with another one', () => {
    const all = layouts.flatMap(layout => [
      layout.segmentNamespace,
      layout.clientNamespace,
      layout.gateway,
      layout.clientAddress,
      layout.cgroup,
      layout.controllerPort,
      ...[0, 1, 2].flatMap(member => Object.values(layout.etcdPorts(member))),
      ...Array.from({ length: MAX_HOSTS }, (_, index) => layout.host(index)).flatMap(host => [
        host.namespace,
        host.address,
        host.bridgeMac,
      ]),
    ]);
    assert.equal(new Set(all).size, all.length);
  });

  test('is found again from its names, and from nobody else’s', () => {
    for (const layout of layouts) {
      for (const name of [layout.segmentNamespace, layout.clientNamespace, layout.host(9).namespace, layout.cgroup]) {
        assert.equal(slotOfName(name), layout.slot);
      }
      assert.ok(layout.uplink.length <= 15, 'the kernel allows 15 letters');
    }
    for (const name of ['bd', 'bd32-lan', 'bd1-eth', 'lan', 'h5-a', 'berth', 'xbd1-lan', 'bd-1-lan', 'berth-dev99']) {
      assert.equal(slotOfName(name), undefined, name);
    }
  });
});
