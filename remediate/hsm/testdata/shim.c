/* A PKCS#11 module that is SoftHSM2 with a fault: the file that
   REMINT_SHIM_FAULT names says which, each time that a call is made.
   "hang" waits in C_GenerateRandom, "removed" says once that the token is gone,
   "sessions" that there is no session left, "die" ends C_GenerateRandom with
   CKR_DEVICE_ERROR for ever. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pkcs11go.h"

static CK_FUNCTION_LIST list;
static CK_FUNCTION_LIST_PTR real;

static int fault(const char *want, int once) {
	const char *name = getenv("REMINT_SHIM_FAULT");
	char word[32] = "";
	FILE *f = name ? fopen(name, "r") : NULL;
	if (!f)
		return 0;
	if (fscanf(f, "%31s", word) != 1)
		word[0] = 0;
	fclose(f);
	if (strcmp(word, want) != 0)
		return 0;
	if (once)
		unlink(name);
	return 1;
}

static CK_RV generateRandom(CK_SESSION_HANDLE s, CK_BYTE_PTR data, CK_ULONG n) {
	if (fault("hang", 0))
		sleep(3600);
	if (fault("removed", 1)) {
		CK_SESSION_INFO i;
		if (real->C_GetSessionInfo(s, &i) == CKR_OK)
			real->C_CloseAllSessions(i.slotID); /* and with them the login */
		return CKR_DEVICE_REMOVED;
	}
	if (fault("die", 0))
		return CKR_DEVICE_ERROR;
	return real->C_GenerateRandom(s, data, n);
}

static CK_RV openSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR app, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR s) {
	if (fault("sessions", 0))
		return CKR_SESSION_COUNT;
	return real->C_OpenSession(slot, flags, app, notify, s);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out) {
	void *lib = dlopen(getenv("REMINT_SHIM_MODULE"), RTLD_NOW);
	CK_C_GetFunctionList get = lib ? (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList") : NULL;
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *real;
	list.C_GetFunctionList = C_GetFunctionList;
	list.C_GenerateRandom = generateRandom;
	list.C_OpenSession = openSession;
	*out = &list;
	return CKR_OK;
}
