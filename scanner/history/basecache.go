package history

import "sync"

const (
	// cacheSize is how many bytes of rebuilt objects are kept, in two halves
	// of which the older is dropped when the newer is full.
	cacheSize = 16 << 20
	// cacheObject is the longest object that is kept, in bytes.
	cacheObject = 64 << 10
)

// baseCache keeps what deltas stand on: objects that lie near one another,
// such as the directories of one commit, share most of their bases.
type baseCache struct {
	mu         sync.Mutex
	young, old map[baseKey]rebuilt
	size       int // of the young half, in bytes
}

type baseKey struct {
	pack *pack
	off  int64
}

// rebuilt is an object's type and content, which must not be changed.
type rebuilt struct {
	typ  Type
	data []byte
}

func (c *baseCache) get(p *pack, off int64) (rebuilt, bool) {
	key := baseKey{p, off}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.young[key]; ok {
		return o, true
	}
	o, ok := c.old[key]
	if ok {
		c.add(key, o)
	}
	return o, ok
}

// put keeps an object and tells whether it does; then data belongs to the cache.
func (c *baseCache) put(p *pack, off int64, typ Type, data []byte) bool {
	if cap(data) > cacheObject {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(baseKey{p, off}, rebuilt{typ, data})
	return true
}

func (c *baseCache) add(key baseKey, o rebuilt) {
	if c.size += cap(o.data); c.size > cacheSize/2 || c.young == nil {
		c.old, c.young, c.size = c.young, map[baseKey]rebuilt{}, cap(o.data)
	}
	c.young[key] = o
}
