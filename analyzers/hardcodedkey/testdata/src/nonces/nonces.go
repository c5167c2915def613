package nonces

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"io"
)

const fixed = "1234567812345678" // want `hardcoded nonce 1234\*{8} reaches crypto/cipher.NewCTR by way of wrapper \(CWE-329\)`

func wrong(b cipher.Block, a cipher.AEAD, text []byte) {
	cipher.NewCBCEncrypter(b, []byte{1, 2, 3, 4, 5, 6, 7, 8}) // want `reaches crypto/cipher.NewCBCEncrypter`
	a.Seal(nil, []byte("twelve bytes"), text, nil)            // want `reaches crypto/cipher.AEAD.Seal`
	a.Seal(nil, []byte{}, text, nil)                          // want `nonce of zeros`
	wrapper(b, fixed)
	iv := make([]byte, 16)
	cipher.NewCTR(b, iv) // want `nonce of zeros`
	var array [16]byte
	array[0] = 1
	cipher.NewOFB(b, array[:]) // want `nonce of zeros`
	both := make([]byte, 48)
	_, half := both[:32], both[32:]
	cipher.NewCTR(b, half) // want `nonce of zeros`
	pointer := &iv
	cipher.NewCTR(b, *pointer) // want `nonce of zeros`
}

func wrapper(b cipher.Block, iv string) { cipher.NewCTR(b, []byte(iv)) } // want wrapper:`sink`

func right(b cipher.Block, a cipher.AEAD, text []byte, n uint64) {
	iv := make([]byte, 16)
	rand.Read(iv)
	cipher.NewCTR(b, iv)
	other := []byte("replaced at once")
	io.ReadFull(rand.Reader, other)
	cipher.NewCTR(b, other)
	both := make([]byte, 48)
	key, half := both[:32], both[32:]
	rand.Read(half)
	cipher.NewCTR(b, half)
	_ = key
	whole := make([]byte, 48)
	part := whole[32:]
	rand.Read(whole)
	cipher.NewCTR(b, part)
	var counted [12]byte
	binary.LittleEndian.PutUint64(counted[4:], n)
	a.Seal(nil, counted[:], text, nil)
	var copied [12]byte
	copy(copied[:], text)
	a.Seal(nil, copied[:], text, nil)
	nonce, sealed := text[:12], text[12:]
	a.Open(nil, nonce, sealed, nil)
	a.Open(nil, []byte("twelve bytes"), text, nil)
}
